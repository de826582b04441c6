package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// CheckPublicURL refuses a public URL that Tripletex would not deliver to. The loopback interface needs no TLS.
func CheckPublicURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case strings.TrimSpace(text) != text:
		return errors.New("--public-url begins or ends with a blank")
	case err != nil || u.Hostname() == "":
		return errors.New("--public-url is not a URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("--public-url must hold neither credentials nor a query")
	case u.Scheme != "https" && (u.Scheme != "http" || !targeturl.IsLoopback(u.Hostname())):
		return errors.New("--public-url must begin with https")
	}
	return nil
}

// CheckMetricsAddress refuses an address that other machines reach.
func CheckMetricsAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !targeturl.IsLoopback(strings.Trim(host, "[]")) {
		return fmt.Errorf("--metrics-addr %s: must be a loopback address, such as 127.0.0.1:9180", address)
	}
	return nil
}

// TrustedPrefixes returns the addresses of this machine and those of CIDR texts.
func TrustedPrefixes(texts []string) ([]netip.Prefix, error) {
	all := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxy %s: must be a CIDR such as 10.0.0.0/8", text)
		}
		if prefix.Addr().Is4In6() && prefix.Bits() >= 96 { // the addresses of connections are not mapped
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		all = append(all, prefix)
	}
	return all, nil
}
