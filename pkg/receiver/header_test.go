package receiver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// only returns the one delivery that is stored.
func (s *served) only(t *testing.T) journal.Entry {
	t.Helper()
	e, err := s.journal.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestHeadersAreStoredAndSecretOnesMasked(t *testing.T) {
	t.Parallel()
	const mask = "***"
	for line, want := range map[string]string{
		"User-Agent: Tripletex":                            "Tripletex",
		"X-Request-Id: 4711":                               "4711",
		"Accept: a, b;q=0.5":                               "a, b;q=0.5",
		"X-Forwarded-For: 192.0.2.1, 192.0.2.2":            "192.0.2.1, 192.0.2.2",
		"X-Empty:":                                         "",
		"X-Hook: the-auth-value":                           mask, // named by --auth-header
		"Authorization: Bearer s3cr3t-token":               mask,
		"Proxy-Authorization: Basic czNjcjN0":              mask,
		"Cookie: session=s3cr3t-token":                     mask,
		"X-Api-Key: s3cr3t-token":                          mask,
		"X-Gitlab-Token: s3cr3t-token":                     mask,
		"Cf-Access-Jwt-Assertion: s3cr3t-token":            mask,
		"X-Client-Secret: s3cr3t-token":                    mask,
		"X-Other: with the-auth-value in it":               "with [redacted] in it",
		"X-Echo: " + testSecret:                            "[redacted]",
		"Referer: https://x.example.no/a?token=s3cr3t":     "https://x.example.no/a?token=***",
		"X-Forwarded-Uri: /hook?token=s3cr3t&b=s3cr3t":     "/hook?token=***&b=***",
		"X-Original-Url: https://u:s3cr3t@x.example.no/":   "https://***@x.example.no/",
		"Link: see https://u:s3cr3t@x.example.no/ and /?a": "see https://***@x.example.no/ and /?***",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s := serve(t, receiver.Options{Secrets: []secret.Text{testSecret}, AuthHeader: "X-Hook", AuthValue: "the-auth-value"})
			name, _, _ := strings.Cut(line, ":")
			head := line + "\r\n"
			if name != "X-Hook" {
				head += "X-Hook: the-auth-value\r\n"
			}
			if got := s.say(t, request(head, "k", signed("k", goodBody), goodBody)); !strings.Contains(got, "200") {
				t.Fatalf("answered %q", got)
			}
			e := s.only(t)
			if got := e.Header.Get(name); got != want {
				t.Errorf("stored %q, want %q", got, want)
			}
			if got := e.Header.Get("Content-Length"); got == "" {
				t.Error("there is no Content-Length")
			}
			if got := e.Header.Get("Host"); got != "x" {
				t.Errorf("host %q, want x", got)
			}
			if !strings.HasPrefix(e.Source, "127.0.0.1:") {
				t.Errorf("source %q", e.Source)
			}
		})
	}
}

func TestBlanksAroundTheAuthValueAreNoPartOfIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ value, sent, want string }{
		{" the-value ", "the-value", "200"},
		{"the-value", "  the-value\t", "200"},
		{"the value", "the value", "200"},
		{"the value", "thevalue", "401"},
		{"  ", "", "401"},
	} {
		s := serve(t, receiver.Options{AuthHeader: "X-Hook", AuthValue: secret.Text(test.value)})
		if got := s.say(t, request("X-Hook: "+test.sent+"\r\n", "k", "", goodBody)); !strings.Contains(got, test.want) {
			t.Errorf("%q for %q: answered %q, want %s", test.sent, test.value, got, test.want)
		}
	}
}

// Nothing that a sender calls its headers gets in the way of storing and reading a delivery.
func TestHostileHeadersAreStored(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"Latin-1":        "X-Name: bl\xe5b\xe6r\r\n",
		"tab":            "X-Tab: a\tb\r\n",
		"repeated":       strings.Repeat("X-Same: a\r\n", 500),
		"many":           "X-A" + strings.Join(make([]string, 200), ": 1\r\nX-A") + ": 1\r\n",
		"long":           "X-Long: " + strings.Repeat("?", 14<<10) + "\r\n",
		"two types":      "Content-Type: a\r\nContent-Type: b\r\n",
		"looks internal": "X-Tlxhook-Via: some-other-journal\r\nX-Tlxhook-Event-Id: 7\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := verifying(t)
			if got := s.say(t, request(head, "k", signed("k", goodBody), goodBody)); !strings.Contains(got, "200") {
				t.Fatalf("answered %q", got)
			}
			_ = s.only(t)
		})
	}
}

// What an app answers is kept without the secrets in its URL.
func TestAnswersAreKeptWithoutSecrets(t *testing.T) {
	t.Parallel()
	const password, token, known = "p4ssw0rd-of-the-app", "t0k3n-of-the-app", "another-secret-of-the-run"
	for name, answer := range map[string]string{
		"plain":           "wrong password " + password,
		"query":           "unknown token " + token,
		"basic":           "Basic dXNlcjpwNHNzdzByZC1vZi10aGUtYXBw",
		"of the run":      "key " + known,
		"across the edge": strings.Repeat("x", 2040) + password,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var redactor secret.Redactor
			redactor.Add(known)
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, answer)
			}))
			t.Cleanup(app.Close)
			target, err := receiver.NewTarget(strings.Replace(app.URL, "://", "://user:"+password+"@", 1)+"/?token="+token,
				receiver.TargetOptions{Redact: redactor.Redact})
			if err != nil {
				t.Fatal(err)
			}
			j := store(t, 1, 1)
			run(t, j, reports(1), receiver.Route{Event: "*", App: target})
			all, err := j.Attempts(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				t.Fatal("no attempts")
			}
			for _, text := range []string{password, token, known, "dXNlcjpw"} {
				if strings.Contains(all[0].Answer+all[0].Outcome, text) {
					t.Errorf("kept %q", all[0].Answer)
				}
			}
			if all[0].Status != http.StatusInternalServerError {
				t.Errorf("status %d, want 500", all[0].Status)
			}
			if all[0].Duration <= 0 {
				t.Errorf("duration %s, want more than 0", all[0].Duration)
			}
			if all[0].Answer == "" {
				t.Error("no answer was kept")
			}
		})
	}
}
