package inspect

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// pollInterval is how often the journal is checked for changes while a page is open.
	pollInterval = 100 * time.Millisecond
	// busyInterval is the interval after maxSuccessive changes in a row, so that an open page does not slow receiving.
	busyInterval  = 2 * time.Second
	maxSuccessive = 5
	// beatInterval is how often an unchanged stream is written to, so that a lost page is noticed.
	beatInterval = 15 * time.Second
	// streamTimeout is how long one write to a page may take.
	streamTimeout = 10 * time.Second
)

// live sends an event, see text/event-stream, at the start and after each change of the journal.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	to := stream{w, http.NewResponseController(w)}
	if to.SetReadDeadline(time.Time{}) != nil { // the timeout of requests would end it
		return
	}
	s.follow(r.Context(), to)
}

// follow sends events until the page is gone or the context ends.
func (s *Server) follow(ctx context.Context, to stream) {
	seen, sent, successive := int64(-1), time.Now(), 0
	for pause := pollInterval; ; pause = pollInterval {
		now, err := s.journal.Changed(ctx)
		switch {
		case err != nil:
			return
		case now != seen:
			err = to.send("event: changed\ndata:\n\n")
			seen, sent = now, time.Now()
			if successive++; successive > maxSuccessive {
				pause = busyInterval
			}
		default:
			successive = 0
			if time.Since(sent) > beatInterval {
				err = to.send(":\n\n")
				sent = time.Now()
			}
		}
		if err != nil || wait.For(ctx, pause) != nil {
			return
		}
	}
}

// stream is a response that is written bit by bit.
type stream struct {
	io.Writer
	*http.ResponseController
}

func (s stream) send(text string) error {
	if err := s.SetWriteDeadline(time.Now().Add(streamTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(s, text); err != nil {
		return err
	}
	return s.Flush()
}
