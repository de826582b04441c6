package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

const (
	// waitLimit is the age of a pending delivery that is a warning.
	waitLimit = time.Hour
	// sizeLimit is the size of a journal in bytes that is a warning.
	sizeLimit = 5 << 30
)

// describeJournal returns the finding for a journal. Flags name it in the commands of a repair.
func describeJournal(folder string, o journal.Overview, now time.Time, flags string) Finding {
	s := o.Stats
	found := []string{fmt.Sprintf("%s: %s in %s", folder, terminal.Count(s.Events, "delivery"), bytes(s.Bytes))}
	var repairs []string
	switch {
	case o.Receiving && o.Receiver != "":
		found = append(found, "listen receives into it, "+o.Receiver)
	case o.Receiving:
		found = append(found, "listen receives into it")
	default:
		found = append(found, "no receiver is running")
	}
	if waited := now.Sub(s.Oldest); s.Waiting > 0 && waited > waitLimit {
		found = append(found, fmt.Sprintf("%s, the oldest since %s",
			terminal.Count(s.Waiting, "pending delivery"), terminal.LocalTime(s.Oldest)))
		repair := "check that the app runs; list the deliveries with tlxhook delivery list" + flags + " --state pending"
		if !o.Receiving {
			repair = "forward them with tlxhook listen" + flags + " --forward-to URL"
		}
		repairs = append(repairs, repair)
	}
	if s.Dead > 0 {
		found = append(found, terminal.Count(s.Dead, "dead delivery"))
		repairs = append(repairs, "send dead deliveries again with tlxhook delivery replay"+flags+" --state dead --to URL")
	}
	if s.Bytes > sizeLimit {
		repairs = append(repairs, "delete old deliveries with tlxhook delivery purge"+flags+" --older-than 30d")
	}
	if !o.Whole {
		found = append(found, "too large for a full check here; listen checks it when it starts")
	}
	text := strings.Join(found, "; ")
	if len(repairs) > 0 {
		return warn(text, strings.Join(repairs, "; "))
	}
	return pass(text)
}

// bytes formats a size in the largest unit with a value of at least 1.
func bytes(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	size, i := float64(n), 0
	for size >= 1024 && i < len(units)-1 {
		size, i = size/1024, i+1
	}
	if i == 0 || size >= 10 {
		return fmt.Sprintf("%.0f %s", size, units[i])
	}
	return fmt.Sprintf("%.1f %s", size, units[i])
}
