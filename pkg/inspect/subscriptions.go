package inspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// accountTime is how long Tripletex may take.
const accountTime = 30 * time.Second

// subscription is a subscription of the login.
type subscription struct {
	ID     int64            `json:"id,string"`
	Event  string           `json:"event"`
	Target string           `json:"targetUrl"` // without credentials
	Status tripletex.Status `json:"status"`
	State  health.State     `json:"state"`
	// Since is when it was changed last, as Tripletex writes it; empty if that is not known.
	Since string `json:"since"`
	// Latest is when its latest delivery was received; zero if the journal has none.
	Latest time.Time `json:"latest,omitzero"`
}

func (s *Server) subscriptions(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), accountTime)
	defer cancel()
	s.accounts.Lock()
	defer s.accounts.Unlock()
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	latest, err := s.journal.LatestOf(ctx)
	if err != nil {
		return nil, err
	}
	all := []subscription{}
	for found, err := range client.Subscriptions(ctx, tripletex.WithChanges) {
		if err != nil {
			return nil, &statusError{http.StatusBadGateway, err}
		}
		shown := subscription{
			ID: found.ID, Event: found.Event, Target: secret.MaskURL(found.TargetURL), Status: found.Status,
			State: health.Rules{}.StateOf(found.Status), Latest: latest[found.ID],
		}
		if n := len(found.Changes); n > 0 {
			shown.Since = found.Changes[n-1].Timestamp
		}
		all = append(all, shown)
	}
	return all, nil
}

// client returns the client of the login, which it keeps: each login begins another session.
func (s *Server) client(ctx context.Context) (client *tripletex.Client, err error) {
	switch {
	case s.o.Account.Client == nil:
		return nil, &statusError{http.StatusNotFound, errors.New("no login is used")}
	case s.account != nil:
		return s.account, nil
	}
	if client, err = s.o.Account.Client(ctx); err != nil {
		return nil, &statusError{http.StatusBadGateway, err}
	}
	s.account = client
	return client, nil
}

// enable probes the target of a subscription and enables it.
func (s *Server) enable(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), accountTime)
	defer cancel()
	s.accounts.Lock()
	defer s.accounts.Unlock()
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	release, err := s.o.Account.Lock(ctx)
	if err != nil {
		return nil, &statusError{http.StatusConflict, err}
	}
	defer release()
	found, err := client.Subscription(ctx, id)
	if err != nil {
		return nil, &statusError{http.StatusBadGateway, err}
	}
	if found.Status != tripletex.Active {
		if err := health.Probe(ctx, found.TargetURL); err != nil {
			return nil, &statusError{http.StatusConflict, fmt.Errorf("not enabled: %w", err)}
		}
		update := tripletex.SubscriptionUpdate{ID: id, Version: found.Version, Status: tripletex.Active}
		finish, cancel := wait.Finishing(ctx)
		defer cancel()
		if found, err = client.UpdateSubscription(finish, update); err != nil {
			return nil, &statusError{http.StatusBadGateway, err}
		}
	}
	return map[string]tripletex.Status{"status": found.Status}, nil
}
