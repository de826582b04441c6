package inspect

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// commands send a delivery from a shell. The body is read from the journal, so that no byte of it is pasted into a
// terminal.
type commands struct {
	Curl    string `json:"curl"`
	Trigger string `json:"trigger"`
}

// commands returns the commands for a delivery and an app.
func (s *Server) commands(e journal.Entry, app string) commands {
	show := fmt.Sprintf("tlxhook delivery show %d --body --journal %s | ", e.ID, quote(s.o.Folder))
	target := quote(cmp.Or(app, "http://localhost:3000/"))
	curl := []string{"curl --data-binary @-"}
	for _, header := range [][2]string{
		{"Content-Type", e.ContentType}, {webhook.KeyHeader, e.Key}, {webhook.SignatureHeader, e.Signature},
	} {
		if header[1] != "" && isPlain(header[1]) {
			curl = append(curl, "-H "+quote(header[0]+": "+header[1]))
		}
	}
	made := commands{Curl: show + strings.Join(append(curl, target), " ")}
	if isPlain(e.Event) && e.Event != "" {
		made.Trigger = show + "tlxhook trigger " + quote(e.Event) + " --body - --target " + target + " --hmac-secret-file hmac.secret"
	}
	return made
}

// isPlain reports whether text can be pasted into a terminal.
func isPlain(text string) bool { return terminal.Safe(text) == text }

// quote returns text as one word of a POSIX shell.
func quote(text string) string {
	return "'" + strings.ReplaceAll(terminal.Safe(text), "'", `'\''`) + "'"
}
