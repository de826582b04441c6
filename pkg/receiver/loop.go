package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// ViaHeader has the IDs of the journals and streams that forwarded a delivery.
const ViaHeader = "X-Tlxhook-Via"

// loopHeader has, in a 508 answer, the ID by which a receiver recognized its own delivery.
const loopHeader = "X-Tlxhook-Loop"

// ErrLoop means that a delivery came back to the receiver that forwarded it.
var ErrLoop = errors.New("deliveries are forwarded to the receiver itself")

// via returns the value of [ViaHeader] for an entry.
func via(e journal.Entry) string {
	return strings.Trim(e.Header.Get(ViaHeader)+" "+e.Origin, " ")
}

// isOwn reports whether a request is a delivery that this receiver forwarded.
func (r *Receiver) isOwn(header http.Header) bool {
	return r.o.ID != "" && slices.Contains(strings.Fields(header.Get(ViaHeader)), r.o.ID)
}

// isLoop reports whether an answer comes from the receiver that forwarded the delivery.
func isLoop(response *http.Response, sent string) bool {
	id := response.Header.Get(loopHeader)
	return response.StatusCode == http.StatusLoopDetected && id != "" && slices.Contains(strings.Fields(sent), id)
}

// CheckLoop returns [ErrLoop] if the target is the socket of the receiver. Names are resolved; an unknown name passes.
func (t *Target) CheckLoop(ctx context.Context, socket net.Addr) error {
	own, _ := netip.ParseAddrPort(socket.String()) // invalid for a socket that is not TCP
	if !own.IsValid() || t.port() != own.Port() {
		return nil
	}
	local := localAddresses()
	addresses, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(t.url.Hostname(), "."))
	for _, a := range addresses {
		if reaches(a.Unmap().WithZone(""), own.Addr().Unmap().WithZone(""), local) {
			return fmt.Errorf("%w: %s is %s", ErrLoop, t, socket)
		}
	}
	return nil
}

// port returns the port of the target.
func (t *Target) port() uint16 {
	port, err := strconv.ParseUint(t.url.Port(), 10, 16)
	switch {
	case err == nil:
		return uint16(port)
	case t.url.Scheme == "https":
		return 443
	}
	return 80
}

// reaches reports whether an address leads to a socket on this machine. Loopback addresses count as one.
func reaches(a, own netip.Addr, local []netip.Addr) bool {
	isLocal := a.IsLoopback() || a.IsUnspecified() || slices.Contains(local, a)
	return a == own || isLocal && own.IsUnspecified() || a.IsLoopback() && own.IsLoopback()
}

// localAddresses returns the addresses of this machine.
func localAddresses() (all []netip.Addr) {
	interfaces, _ := net.InterfaceAddrs()
	for _, i := range interfaces {
		if prefix, err := netip.ParsePrefix(i.String()); err == nil {
			all = append(all, prefix.Addr().Unmap())
		}
	}
	return all
}
