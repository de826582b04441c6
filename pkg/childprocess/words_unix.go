//go:build !windows

package childprocess

// escapes reports whether a backslash escapes the character after it: every character, like in a shell.
func escapes(string) bool { return true }
