package childprocess

import "strings"

// escapes reports whether a backslash escapes the character after it. On Windows it separates folders, so it escapes
// quotes only.
func escapes(rest string) bool { return strings.HasPrefix(rest, `"`) }
