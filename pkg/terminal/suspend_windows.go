package terminal

// stopProcess does nothing: Windows cannot suspend a process from its terminal.
func stopProcess() {}
