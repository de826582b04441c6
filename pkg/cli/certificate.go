package cli

import (
	"crypto/tls"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/listen"
)

// certificateFlags are the flags of a server with a certificate.
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

// config reads the certificate; nil without one.
func (f *certificateFlags) config() (*tls.Config, error) {
	if f.cert == "" {
		return nil, nil
	}
	return listen.TLSConfig(f.cert, f.key)
}
