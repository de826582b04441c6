package listen

// Address returns the address of the socket, or "" without one.
func (l *Listener) Address() string {
	if l.socket == nil {
		return ""
	}
	return l.socket.Addr().String()
}
