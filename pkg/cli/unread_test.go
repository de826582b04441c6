package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// TestListenReceivesAndEndsAlthoughItsOutputIsNotRead covers full pipes whose reader neither reads nor closes them.
func TestListenReceivesAndEndsAlthoughItsOutputIsNotRead(t *testing.T) {
	t.Parallel()
	for name, messagesToo := range map[string]bool{"standard output": false, "both": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "journal")
			ctx, cancel := context.WithCancelCause(t.Context())
			messages := &startMessages{address: make(chan string, 1), blocks: messagesToo}
			ended := make(chan int, 1)
			go func() {
				args := []string{"listen", "--addr", "127.0.0.1:0", "--insecure-no-verify", "--journal", folder, "-o", "ndjson"}
				streams := Streams{strings.NewReader(""), &unreadPipe{func() {}}, messages}
				ended <- run(ctx, args, streams, []string{"HOME=" + t.TempDir()}, Build{})
			}()
			url := <-messages.address
			for id := range 5 {
				body := fmt.Sprintf(`{"subscriptionId":4711,"event":"order.update","id":%d,"value":null}`, id)
				if status := post(t, url, body); status != http.StatusOK {
					t.Errorf("delivery %d: status %d", id, status)
				}
			}
			cancel(signaled{syscall.SIGTERM})
			if code := <-ended; code != exitOK {
				t.Errorf("exit code %d", code)
			}
			if warning := "the last lines were dropped"; !messagesToo && !strings.Contains(messages.text.String(), warning) {
				t.Errorf("no warning in %q", &messages.text)
			}
			j, err := journal.Open(folder, journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			switch stats, err := j.Stats(t.Context()); {
			case err != nil:
				t.Error(err)
			case stats.Waiting != 5:
				t.Errorf("%d deliveries stored, want 5", stats.Waiting)
			}
		})
	}
}

func post(t *testing.T, url, body string) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// startMessages passes on the URL that listen reports. After the start it blocks if blocks is set.
type startMessages struct {
	address chan string
	blocks  bool
	text    bytes.Buffer
}

func (m *startMessages) Write(p []byte) (int, error) {
	if m.blocks && strings.Contains(m.text.String(), "Ready") {
		select {}
	}
	if _, url, ok := strings.Cut(string(p), "listening on "); ok {
		m.address <- strings.TrimSpace(url)
	}
	return m.text.Write(p)
}

func TestSignalEndsACommandWhoseOutputIsNotRead(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"a list":   {"event", "list", "-p", "sandbox"},
		"a report": {"doctor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			var messages bytes.Buffer
			out := &unreadPipe{begun: func() { cancel(signaled{syscall.SIGTERM}) }}
			code := run(ctx, args, Streams{strings.NewReader(""), out, &messages}, []string{"HOME=" + t.TempDir()}, Build{})
			if code != exitTerminated {
				t.Errorf("exit code %d, want %d: %s", code, exitTerminated, &messages)
			}
		})
	}
}

// unreadPipe is a full pipe. It calls begun at each write, and never ends one.
type unreadPipe struct{ begun func() }

func (u *unreadPipe) Write([]byte) (int, error) {
	u.begun()
	select {}
}
