package listen

import "net"

// Address returns the address of the socket, or "" without one.
func (l *Listener) Address() string {
	if l.socket == nil {
		return ""
	}
	return l.socket.Addr().String()
}

// OwnURL returns the URL of a listener at a socket.
func OwnURL(socket net.Listener) string {
	return (&Listener{o: Options{Path: "/hook"}, socket: socket}).ownURL()
}
