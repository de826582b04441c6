package doctor

import (
	"slices"
	"strings"
)

const (
	// fewBytes is from where on a disk is soon full, noBytes from where on it is as good as full.
	fewBytes = 1e9
	noBytes  = 100e6
)

// Disk is a folder, and how many bytes the file system below it has, free and in all.
type Disk struct {
	Folder      string
	Free, Total int64
}

func (d Disk) text() string {
	return bytes(d.Free) + " of " + bytes(d.Total) + " are free for " + d.Folder
}

// state is a failure where hardly anything can be written, and a warning where less than 1 GB or a tenth is free.
func (d Disk) state() State {
	switch {
	case d.Free < noBytes:
		return Failed
	case d.Free < fewBytes, d.Free < d.Total/10:
		return Warning
	default:
		return OK
	}
}

// Disks judges the disks that something is written to.
func Disks(all []Disk) Finding {
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
		return Bad(text, repair)
	case slices.Contains(states, Warning):
		return Weak(text, repair)
	}
	return Good(text)
}
