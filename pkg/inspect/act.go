package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tlxhook/tlxhook/pkg/badjson"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// replays reports whether deliveries can be sent again.
func (s *Server) replays() bool { return !s.o.ReadOnly && len(s.o.Routes) > 0 }

// app returns the app that takes replays of an event; nil if none does.
func (s *Server) app(event string) receiver.App {
	if !s.replays() {
		return nil
	}
	for _, route := range s.o.Routes {
		if route.Takes(event) {
			return route.App
		}
	}
	return nil
}

// replayRequest asks for a replay. Body is sent in place of the stored one; nil sends that.
type replayRequest struct {
	Body *string `json:"body"`
}

// replay sends a delivery to its app once.
func (s *Server) replay(r *http.Request) (any, error) {
	e, err := s.entry(r)
	if err != nil {
		return nil, err
	}
	var request replayRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, badRequest("the request is not valid: %w", badjson.Reason(err))
	}
	app := s.app(e.Event)
	if app == nil {
		return nil, &statusError{http.StatusConflict, errors.New("no app takes this event")}
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	done, err := s.send(r, receiver.Replay{Journal: s.journal, App: app}, e, request.Body)
	switch {
	case errors.Is(err, webhook.ErrEnvelope):
		return nil, badRequest("the edited text is not a delivery: %w", err)
	case err != nil:
		return nil, err
	}
	return done.Result(), nil
}

func (s *Server) send(r *http.Request, replay receiver.Replay, e journal.Entry, body *string) (done receiver.Replayed, err error) {
	ctx := context.WithoutCancel(r.Context()) // closing the page does not end an attempt
	if body != nil {
		var key secret.Text
		if len(s.o.Secrets) > 0 {
			key = s.o.Secrets[0]
		}
		return replay.RunEdited(ctx, e, []byte(*body), key)
	}
	for done, err := range replay.Run(ctx, []journal.Entry{e}) {
		if err != nil {
			return receiver.Replayed{}, err
		}
		return done, nil
	}
	return done, nil
}
