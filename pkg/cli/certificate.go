package cli

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// certificateFlags are the files that a server shows who it is by.
type certificateFlags struct{ cert, key string }

func (f *certificateFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "serve https with the certificate in `FILE`")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "the private key of the certificate, in `FILE`")
}

func (f *certificateFlags) check() error {
	if (f.cert == "") != (f.key == "") {
		return usageFailure("--tls-cert and --tls-key belong together")
	}
	return nil
}

// config reads the certificate for https; nil where none is named.
func (f *certificateFlags) config() (*tls.Config, error) {
	if f.cert == "" {
		return nil, nil
	}
	c := &certificate{files: *f}
	if err := c.read(); err != nil {
		return nil, localFailure("read the certificate", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.current}, nil
}

// certificate is one whose files may be replaced while it is shown: many are renewed every few weeks.
type certificate struct {
	files certificateFlags

	mu       sync.Mutex
	pair     *tls.Certificate
	modified time.Time // of the file that the pair was read from
}

// current returns the certificate of the files. While they do not fit together, it is the one before.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.read() // the next one who connects tries again
	return c.pair, nil
}

// read reads the files where they have changed since.
func (c *certificate) read() error {
	info, err := os.Stat(c.files.cert)
	if err != nil {
		return err
	}
	if c.pair != nil && info.ModTime().Equal(c.modified) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.files.cert, c.files.key)
	if err != nil {
		return err
	}
	c.pair, c.modified = &pair, info.ModTime()
	return nil
}
