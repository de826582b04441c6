package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// ErrCertificate means that a certificate or its key cannot be read.
var ErrCertificate = errors.New("read the certificate")

// TLSConfig returns the configuration of a server with the certificate and the key in two PEM files. Files that are
// replaced later apply to the next connection.
func TLSConfig(certFile, keyFile string) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.current}, nil
}

// certificate is one whose files may be replaced while it is served: many are renewed every few weeks.
type certificate struct {
	certFile, keyFile string

	mu       sync.Mutex
	pair     *tls.Certificate
	modified time.Time // of certFile when pair was read
}

// current returns the certificate of the files, or the one before while they do not match.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.read() // the next connection tries again
	return c.pair, nil
}

// read reads the files if they have changed.
func (c *certificate) read() error {
	info, err := statRegular(c.certFile)
	if err != nil {
		return err
	}
	if _, err := statRegular(c.keyFile); err != nil {
		return err
	}
	if c.pair != nil && info.ModTime().Equal(c.modified) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if _, named := errors.AsType[*fs.PathError](err); err != nil && !named {
		return fmt.Errorf("%s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	if err != nil {
		return err
	}
	c.pair, c.modified = &pair, info.ModTime()
	return nil
}

// statRegular returns the information about a regular file: reading anything else may block.
func statRegular(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	return info, err
}
