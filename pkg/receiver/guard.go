package receiver

import (
	"net/netip"
	"slices"
	"syscall"
)

// guard decides which addresses are connected to. It is asked for every connection, with the address that a name
// turned out to mean: a name that means another address the next time does not get around it.
type guard struct{ allowRemote bool }

// AddressError reports an address that is not permitted.
type AddressError struct {
	Address string
	// Never reports whether no option permits it.
	Never bool
}

func (e *AddressError) Error() string {
	if e.Never {
		return e.Address + " is an address that nothing is forwarded to"
	}
	return e.Address + " is not on this machine"
}

// metadata are addresses outside of the link-local ranges at which a cloud gives a machine its credentials.
func metadata() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}
}

// embedding is an IPv6 prefix whose addresses contain an IPv4 address.
type embedding struct {
	prefix string
	offset int  // of the IPv4 address in bytes
	mask   byte // is combined with each byte by XOR
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

// isSpecial reports whether an address is valid only in a network segment, or gives access to credentials.
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

// checkHost judges a host that is an address; a name is judged when it is connected to.
func (g guard) checkHost(host string) error {
	if a, err := netip.ParseAddr(host); err == nil {
		return g.check(a)
	}
	return nil
}

// control is asked by net.Dialer before a connection is made.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return &AddressError{address, true}
	}
	return g.check(a.Addr())
}
