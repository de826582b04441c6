package doctor

import (
	"slices"
	"strings"
)

const (
	// lowSpace and noSpace are the free bytes below which a disk is a warning and a failure.
	lowSpace = 1e9
	noSpace  = 100e6
	// enough is never a warning, however large the disk is.
	enough = 10e9
)

// disk is the space of the file system of a folder, in bytes.
type disk struct {
	Folder      string
	Free, Total int64
}

func (d disk) text() string {
	return bytes(d.Free) + " of " + bytes(d.Total) + " free in " + d.Folder
}

// state returns Failed below noSpace, and Warning below lowSpace or a tenth of the total, at most enough.
func (d disk) state() State {
	switch {
	case d.Free < noSpace:
		return Failed
	case d.Free < lowSpace, d.Free < min(d.Total/10, enough):
		return Warning
	default:
		return OK
	}
}

// checkSpace returns the worst state of the disks that the program writes to.
func checkSpace(all []disk) Finding {
	const repair = "make room: deliveries can be received only where they can be written; see tlxhook delivery purge"
	var texts, folders []string
	var states []State
	for _, d := range all {
		if slices.Contains(folders, d.Folder) {
			continue
		}
		folders, states, texts = append(folders, d.Folder), append(states, d.state()), append(texts, d.text())
	}
	text := strings.Join(texts, "; ")
	switch {
	case slices.Contains(states, Failed):
		return fail(text, repair)
	case slices.Contains(states, Warning):
		return warn(text, repair)
	}
	return pass(text)
}
