//go:build !windows

package config

// IsPrivateGroup is isPrivateGroup.
func IsPrivateGroup(passwd, group, uid, gid string) bool {
	return isPrivateGroup(passwd, group, uid, gid)
}
