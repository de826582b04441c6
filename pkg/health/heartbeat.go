package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

const (
	beatTries = 3
	beatLimit = 10 * time.Second
	beatPause = time.Second
)

// Heartbeat tells a service such as healthchecks.io that a watch is alive and could ask; the service raises the
// alarm when that stops. Its address is a secret: who knows it can keep the alarm silent.
type Heartbeat struct {
	address secret.Text
	host    string
}

// NewHeartbeat returns the heartbeat of an address, which must be https, or http on this machine.
func NewHeartbeat(address secret.Text) (*Heartbeat, error) {
	u, err := url.Parse(address.Reveal())
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("what is there is no URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !targeturl.IsLoopback(u.Hostname())):
		return nil, fmt.Errorf("the URL must begin with https:// (its host is %s)", u.Host)
	}
	return &Heartbeat{address, u.Host}, nil
}

// Beat sends one sign of life, in up to three tries of ten seconds. Its error shows the host only.
func (h *Heartbeat) Beat(ctx context.Context) error {
	var err error
	for try := range beatTries {
		if try > 0 {
			timer := time.NewTimer(beatPause)
			select {
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			case <-timer.C:
			}
		}
		if err = h.try(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("heartbeat to %s: %w", h.host, err)
}

func (h *Heartbeat) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.address.Reveal(), nil)
	if err != nil {
		return reason(err)
	}
	request.Header.Set("User-Agent", "tlxhook")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return reason(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		return errors.New("it answers " + response.Status)
	}
	return nil
}
