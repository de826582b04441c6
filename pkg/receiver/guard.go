package receiver

import (
	"net/netip"
	"slices"
	"syscall"
)

// guard decides which addresses are connected to. It is asked for every connection, with the address that a name
// turned out to mean: a name that means another address the next time does not get around it.
type guard struct{ allowRemote bool }

// AddressError says that an address is not connected to.
type AddressError struct {
	Address string
	// Never tells that no option permits it.
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

func (g guard) check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		return nil
	case a.IsUnspecified(), a.IsLinkLocalUnicast(), a.IsMulticast(), slices.Contains(metadata(), a):
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
