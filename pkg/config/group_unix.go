//go:build !windows

package config

import (
	"os"
	"strconv"
	"strings"
)

// hasPrivateGroup reports whether a group is that of a user alone, as useradd creates it. Many systems with such groups
// let the group write new files.
func hasPrivateGroup(uid, gid int) bool {
	passwd, _ := os.ReadFile("/etc/passwd") // without it the group is not known to be private
	group, _ := os.ReadFile("/etc/group")
	return isPrivateGroup(string(passwd), string(group), strconv.Itoa(uid), strconv.Itoa(gid))
}

// isPrivateGroup reports whether a group has the name of the user, and neither another member nor another user whose
// primary group it is. The group of root is shared on several systems.
func isPrivateGroup(passwd, group, uid, gid string) bool {
	var owner string
	for line := range strings.Lines(passwd) {
		switch user := strings.Split(line, ":"); {
		case len(user) < 4:
		case user[2] == uid:
			owner = user[0]
		case user[3] == gid:
			return false
		}
	}
	for line := range strings.Lines(group) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) == 4 && fields[2] == gid {
			return uid != "0" && fields[0] == owner && (fields[3] == "" || fields[3] == owner)
		}
	}
	return false
}
