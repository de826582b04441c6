//go:build unix

package health_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
)

// notifier returns a shipped notification program that is configured by a private file.
func notifier(t *testing.T, name, private string) (health.Command, *bytes.Buffer) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		need(t, tool)
	}
	file := filepath.Join(t.TempDir(), "private")
	if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	return health.Command{
		Args: []string{"../../docs/monitoring/" + name, file}, Environ: []string{"PATH=" + os.Getenv("PATH")}, Output: &output,
	}, &output
}

// channel is a local server that records the posts of a notifier.
func channel(t *testing.T, status int) (url string, posted func() string) {
	t.Helper()
	got := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			t.Error(err)
		case r.Method != http.MethodPost:
			t.Errorf("r.Method = %v, want %v", r.Method, http.MethodPost)
		case r.Header.Get("Content-Type") != "application/json":
			t.Errorf(`r.Header.Get("Content-Type") = %q, want %q`, r.Header.Get("Content-Type"), "application/json")
		case r.URL.String() != "/canary?sig=canary":
			t.Errorf("r.URL.String() = %q, want %q", r.URL.String(), "/canary?sig=canary")
		}
		if where := argumentsWith("canary?sig="); where != "" {
			t.Errorf("the secret stands in %s", where)
		}
		w.WriteHeader(status)
		got <- string(body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/canary?sig=canary", func() string { return <-got }
}

// argumentsWith returns a process whose arguments contain a text. It works on Linux only.
func argumentsWith(text string) string {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil && bytes.Contains(raw, []byte(text)) {
			return fmt.Sprintf("%s: %q", file, raw)
		}
	}
	return ""
}

// evil is a transition with malicious names.
func evil() health.Transition {
	t := broken()
	t.Event, t.OldStatus, t.TargetHost, t.Company = "<!channel> & \"a\"\n[x](http://evil)", "", "h\\o*s*t", "<!here> AS"
	return t
}

func TestSlackNotification(t *testing.T) {
	t.Parallel()
	url, posted := channel(t, http.StatusOK)
	c, output := notifier(t, "notify-slack", url+"\n")
	for want, one := range map[string]health.Transition{
		":rotating_light: *CRITICAL* webhook 4711 order.\x1bcreate in Fjell\x1b AS: " +
			"ACTIVE → DISABLED_TOO_MANY_ERRORS (hooks.example.no)": broken(),
		":rotating_light: *CRITICAL* webhook 4711 &lt;!channel&gt; &amp; \"a\"\n[x](http://evil) in &lt;!here&gt; AS: " +
			"DISABLED_TOO_MANY_ERRORS (h\\o*s*t)": evil(),
		":white_check_mark: *OK* webhook 4711 : DISABLED → ACTIVE": {
			ID: 4711, OldStatus: "DISABLED", NewStatus: "ACTIVE", State: health.OK,
		},
		":rotating_light: *CRITICAL* webhook 4711 order.create: ACTIVE → gone (h)": {
			ID: 4711, Event: "order.create", OldStatus: "ACTIVE", State: health.Critical, TargetHost: "h",
		},
	} {
		switch err := c.Run(t.Context(), one); {
		case err != nil:
			t.Fatal(err)
		case output.Len() > 0:
			t.Fatalf("output.Len() = %v, want 0", output.Len())
		}
		var got map[string]string
		switch err := json.Unmarshal([]byte(posted()), &got); {
		case err != nil:
			t.Error(err)
		case len(got) != 1:
			t.Errorf("len(got) = %v, want 1", len(got))
		}
		if diff := cmp.Diff(want, got["text"]); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTeamsNotification(t *testing.T) {
	t.Parallel()
	url, posted := channel(t, http.StatusAccepted)
	c, output := notifier(t, "notify-teams", url)
	switch err := c.Run(t.Context(), evil()); {
	case err != nil:
		t.Fatal(err)
	case output.Len() > 0:
		t.Fatalf("output.Len() = %v, want 0", output.Len())
	}
	var got, want any
	if err := json.Unmarshal([]byte(posted()), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{
		"type":"AdaptiveCard","version":"1.4","body":[
		{"type":"TextBlock","weight":"bolder","wrap":true,"color":"attention",
		 "text":"CRITICAL: webhook 4711 \\<\\!channel\\> & \"a\"\n\\[x\\]\\(http://evil\\) in \\<\\!here\\> AS"},
		{"type":"TextBlock","wrap":true,"text":"DISABLED\\_TOO\\_MANY\\_ERRORS, target host h\\\\o\\*s\\*t"}]}}]}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A rejected post is a failure, so that the watch retries it. The secret is not printed.
func TestRejectedNotificationFails(t *testing.T) {
	t.Parallel()
	url, _ := channel(t, http.StatusInternalServerError)
	for _, name := range []string{"notify-slack", "notify-teams"} {
		for _, private := range []string{url, "http://127.0.0.1:9/canary", "", "canary with blanks", "canary\" next = \"x"} {
			c, output := notifier(t, name, private)
			switch err := c.Run(t.Context(), broken()); {
			case err == nil:
				t.Errorf("%s: %v, output %s", name, err, output)
			case output.Len() == 0:
				t.Errorf("%s: output.Len() = 0", name)
			case strings.Contains(output.String(), "canary"):
				t.Errorf("%s: output.String() = %q, want it not to contain %q", name, output.String(), "canary")
			}
		}
	}
	c, output := notifier(t, "notify-mail", `url = "smtp://127.0.0.1:9"`+"\n"+`user = "me:canary"`)
	switch err := c.Run(t.Context(), broken()); {
	case err == nil:
		t.Errorf("mail: %v, output %s", err, output)
	case output.Len() == 0:
		t.Error("mail: output.Len() = 0")
	case strings.Contains(output.String(), "canary"):
		t.Errorf("mail: output.String() = %q, want it not to contain %q", output.String(), "canary")
	}
}

// mailServer accepts one mail and returns its envelope and content.
func mailServer(t *testing.T) (address string, got func() (envelope, content string)) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	mails := make(chan [2]string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = connection.Close() }()
		var one [2]string
		_, _ = fmt.Fprint(connection, "220 here\r\n")
		for lines, data := bufio.NewScanner(connection), false; lines.Scan(); {
			line := lines.Text()
			switch {
			case data && line != ".":
				one[1] += line + "\r\n"
				continue
			case data:
				data = false
				mails <- one
			case line == "DATA":
				data = true
				_, _ = fmt.Fprint(connection, "354 go on\r\n")
				continue
			default:
				one[0] += line + "\n"
			}
			_, _ = fmt.Fprint(connection, "250 well\r\n")
		}
	}()
	return listener.Addr().String(), func() (string, string) {
		one := <-mails
		return one[0], one[1]
	}
}

func TestMailIsSent(t *testing.T) {
	t.Parallel()
	address, got := mailServer(t)
	c, output := notifier(t, "notify-mail",
		"url = \"smtp://"+address+"\"\nmail-from = \"tlxhook@example.no\"\nmail-rcpt = \"ops@example.no\"\n")
	one := broken()
	one.Event = "ordré\r\nBcc: evil@example.no"
	switch err := c.Run(t.Context(), one); {
	case err != nil:
		t.Fatal(err)
	case output.Len() > 0:
		t.Fatalf("output.Len() = %v, want 0", output.Len())
	}
	envelope, content := got()
	if !strings.Contains(envelope, "MAIL FROM:<tlxhook@example.no>") {
		t.Errorf("envelope = %q, want it to contain %q", envelope, "MAIL FROM:<tlxhook@example.no>")
	}
	if !strings.Contains(envelope, "RCPT TO:<ops@example.no>") {
		t.Errorf("envelope = %q, want it to contain %q", envelope, "RCPT TO:<ops@example.no>")
	}
	if strings.Count(envelope, "RCPT") != 1 {
		t.Errorf(`strings.Count(envelope, "RCPT") = %v, want 1`, strings.Count(envelope, "RCPT"))
	}
	message, err := mail.ReadMessage(strings.NewReader(content))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	switch kind, _, err := mime.ParseMediaType(message.Header.Get("Content-Type")); {
	case err != nil:
		t.Error(err)
	case kind != "text/plain":
		t.Errorf("kind = %q, want %q", kind, "text/plain")
	case message.Header.Get("Bcc") != "":
		t.Errorf(`message.Header.Get("Bcc") = %q, want %q`, message.Header.Get("Bcc"), "")
	}
	if _, err := message.Header.Date(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"To": "<ops@example.no>", "From": "tlxhook <tlxhook@example.no>",
		"Subject": `CRITICAL: webhook 4711 ordr??\u{d}\u{a}Bcc: evil@example.no DISABLED_TOO_MANY_ERRORS in Fjell\u{1b} AS`,
	} {
		if got := message.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, message.Body))
	want := `CRITICAL: webhook 4711 ordré\u{d}\u{a}Bcc: evil@example.no DISABLED_TOO_MANY_ERRORS in Fjell\u{1b} AS

Before:      ACTIVE
Now:         DISABLED_TOO_MANY_ERRORS
Target host: hooks.example.no
Time:        1970-01-01T00:00:00Z

After the target is repaired, enable the subscription with:

  tlxhook -p acme --company 7 subscription enable 4711 --probe
`
	switch diff := cmp.Diff(want, string(text)); {
	case diff != "":
		t.Errorf("diff = %q, want %q", diff, "")
	case err != nil:
		t.Error(err)
	}
}
