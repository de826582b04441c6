package stream

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

const (
	connectLimit  = 5 * time.Second
	reconnectWait = 250 * time.Millisecond
	// pingEvery is the interval of pings. A server that misses two of them is gone.
	pingEvery = 5 * time.Second
)

// Login has the addresses of the servers and the credentials for them. Empty fields are not used.
type Login struct {
	// Servers are URLs with a comma between them, such as "nats://a:4222,nats://b:4222"; tls:// asks for TLS.
	Servers  string
	User     string
	Password secret.Text
	// Credentials is a file with a JWT and its key, NKey one with the seed of a key.
	Credentials string
	NKey        string
	// CA is a file with the certificates that the servers' are signed by; Certificate and Key show who asks.
	CA          string
	Certificate string
	Key         string
	// Cleartext allows credentials over a connection without TLS to another machine.
	Cleartext bool
}

// Check returns an error for options that contradict each other, and for a URL with credentials.
func (l Login) Check() error {
	for server := range strings.SplitSeq(l.Servers, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls":
			return fmt.Errorf("%w: %s is not a server URL, such as nats://127.0.0.1:4222", ErrOptions, secret.MaskURL(server))
		case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
			return fmt.Errorf("%w: %s must hold neither credentials nor a path", ErrOptions, secret.MaskURL(server))
		}
	}
	ways := 0
	for _, given := range []string{l.User, l.Credentials, l.NKey} {
		if given != "" {
			ways++
		}
	}
	switch {
	case ways > 1:
		return fmt.Errorf("%w: a user, a file of credentials and an NKey exclude each other", ErrOptions)
	case (l.Certificate == "") != (l.Key == ""):
		return fmt.Errorf("%w: a certificate and its key belong together", ErrOptions)
	case !l.Cleartext && l.leaks():
		return fmt.Errorf("%w: %s", ErrCleartext, l.shown())
	case l.User != "" && l.Password == "":
		return fmt.Errorf("%w: the user has no password", ErrOptions)
	}
	return nil
}

// shown returns the servers for output.
func (l Login) shown() string {
	servers := strings.Split(l.Servers, ",")
	for i, server := range servers {
		servers[i] = secret.MaskURL(strings.TrimSpace(server))
	}
	return strings.Join(servers, ", ")
}

// leaks reports whether credentials would be sent to another machine without TLS. A server may offer TLS, but whoever is
// in between can hide that.
func (l Login) leaks() bool {
	if l.encrypted() || l.User+l.Credentials+l.NKey == "" {
		return false
	}
	return slices.ContainsFunc(strings.Split(l.Servers, ","), func(server string) bool {
		u, err := url.Parse(strings.TrimSpace(server))
		return err == nil && u.Scheme != "tls" && !targeturl.IsLoopback(u.Hostname())
	})
}

// encrypted reports whether every connection uses TLS, as certificates make the client require it.
func (l Login) encrypted() bool {
	return l.CA != "" || l.Certificate != "" || !slices.ContainsFunc(strings.Split(l.Servers, ","), func(server string) bool {
		return !strings.HasPrefix(strings.ToLower(strings.TrimSpace(server)), "tls://")
	})
}

func (l Login) options() ([]nats.Option, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	for _, name := range []string{l.Credentials, l.NKey, l.CA, l.Certificate, l.Key} {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil { // so that a wrong name is not taken for a server that is away
			return nil, err
		}
		if !info.Mode().IsRegular() { // they are read again for each connection
			return nil, fmt.Errorf("%w: %s is not a regular file", ErrOptions, name)
		}
	}
	options := []nats.Option{
		nats.Name("tlxhook"), nats.Timeout(connectLimit), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1),   // a message that cannot be sent now is refused; the sender retries it
		nats.IgnoreAuthErrorAbort(), // a server that is being reconfigured may refuse for a while
	}
	if !l.encrypted() {
		options = append(options, nats.IgnoreDiscoveredServers()) // an attacker on the network can announce any server
	}
	switch {
	case l.User != "":
		options = append(options, nats.UserInfo(l.User, l.Password.Reveal()))
	case l.Credentials != "":
		raw, err := os.ReadFile(l.Credentials)
		if err != nil {
			return nil, err
		}
		if _, err = nkeys.ParseDecoratedNKey(raw); err != nil { // otherwise every connection fails
			return nil, fmt.Errorf("%w: %s does not contain the key of a login", ErrOptions, l.Credentials)
		}
		options = append(options, nats.UserCredentials(l.Credentials))
	case l.NKey != "":
		key, err := nats.NkeyOptionFromSeed(l.NKey)
		if err != nil {
			return nil, fmt.Errorf("%w: %s does not contain an NKey seed", ErrOptions, l.NKey)
		}
		options = append(options, key)
	}
	if l.CA != "" {
		options = append(options, nats.RootCAs(l.CA))
	}
	if l.Certificate != "" {
		options = append(options, nats.ClientCert(l.Certificate, l.Key))
	}
	return options, nil
}
