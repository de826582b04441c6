package receiver

import (
	"net/netip"
	"slices"
	"syscall"
)

// guard decides which addresses may be connected to. It checks the resolved address of every connection, so DNS
// rebinding does not bypass it.
type guard struct{ allowRemote bool }

// AddressError reports an address that is not permitted.
type AddressError struct {
	Address string
	// Never reports whether no option permits the address.
	Never bool
}

func (e *AddressError) Error() string {
	if e.Never {
		return e.Address + " is an address that nothing is forwarded to"
	}
	return e.Address + " is not on this machine"
}

// metadata returns addresses of cloud metadata services outside of the link-local ranges.
func metadata() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}
}

// embedding is an IPv6 prefix whose addresses contain an IPv4 address.
type embedding struct {
	prefix string
	offset int  // of the IPv4 address in bytes
	mask   byte // combined with each byte by XOR
}

// embeddings returns the prefixes of NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380), IPv4-translated
// (RFC 2765) and IPv4-compatible addresses (RFC 4291).
func embeddings() []embedding {
	return []embedding{
		{"64:ff9b::/96", 12, 0},
		{"64:ff9b:1::/48", 12, 0},
		{"2002::/16", 2, 0},
		{"2001::/32", 12, 0xff},
		{"::ffff:0:0:0/96", 12, 0},
		{"::/96", 12, 0},
	}
}

// embedded returns the IPv4 address that a gateway may translate an IPv6 address to, or the address itself.
func embedded(a netip.Addr) netip.Addr {
	bytes := a.As16()
	for _, e := range embeddings() {
		if netip.MustParsePrefix(e.prefix).Contains(a) {
			inner := [4]byte(bytes[e.offset:])
			for i := range inner {
				inner[i] ^= e.mask
			}
			return netip.AddrFrom4(inner)
		}
	}
	return a
}

// isSpecial reports whether an address is valid only within a network segment, or provides credentials.
func isSpecial(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsLinkLocalUnicast() || a.IsMulticast() || slices.Contains(metadata(), a)
}

func (g guard) check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	inner := embedded(a)
	switch {
	case a.IsLoopback():
		return nil
	case isSpecial(a), isSpecial(inner), inner.IsLoopback():
		return &AddressError{a.String(), true}
	case !g.allowRemote:
		return &AddressError{a.String(), false}
	}
	return nil
}

// checkHost checks a host that is an IP address. A name is checked when it is connected to.
func (g guard) checkHost(host string) error {
	if a, err := netip.ParseAddr(host); err == nil {
		return g.check(a)
	}
	return nil
}

// control is called by net.Dialer before each connection.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return &AddressError{address, true}
	}
	return g.check(a.Addr())
}
