package stream_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// What the server will refuse again is told at once, and apart from a server that cannot be reached.
func TestPermanentRefusalsAreToldFromOutages(t *testing.T) {
	t.Parallel()
	const payload = 64 << 10
	sized := func(size int) journal.Delivery {
		d := delivery("key-large", 1)
		d.Body = bytes.Repeat([]byte("x"), size)
		return d
	}
	for name, test := range map[string]struct {
		options server.Options
		config  func(*jetstream.StreamConfig)
		user    string
		d       journal.Delivery
		want    error
	}{
		"above max_payload":     {options: server.Options{MaxPayload: payload}, d: sized(payload + 1), want: journal.ErrTooLarge},
		"far above max_payload": {options: server.Options{MaxPayload: payload}, d: sized(40 * payload), want: journal.ErrTooLarge},
		"above it with headers": {options: server.Options{MaxPayload: payload}, d: sized(payload - 10), want: journal.ErrTooLarge},
		"below it":              {options: server.Options{MaxPayload: payload}, d: sized(payload - 2000)},
		"above the stream's limit": {
			config: func(c *jetstream.StreamConfig) { c.MaxMsgSize = payload },
			d:      sized(payload + 1), want: journal.ErrTooLarge,
		},
		"a full stream": {
			config: func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 1, jetstream.DiscardNew },
			d:      delivery("key-2", 1), want: stream.ErrUnfit,
		},
		"a full stream, in bytes": {
			config: func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 2000, jetstream.DiscardNew },
			d:      sized(4000), want: stream.ErrUnfit,
		},
		"no permission": {
			options: server.Options{Users: []*server.User{{Username: "u", Password: "p", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Deny: []string{"tripletex.*.*.update"}},
			}}}},
			user: "u", d: delivery("key-2", 1), want: stream.ErrRefused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := serve(t, &test.options)
			login := stream.Login{Servers: live.ClientURL()}
			if test.user != "" {
				login.User, login.Password = test.user, "p"
			}
			s, err := stream.Open(t.Context(), login, "DELIVERIES", 0, usual())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if test.config != nil {
				js := raw(t, live)
				before, err := js.Stream(t.Context(), "DELIVERIES")
				if err != nil {
					t.Fatal(err)
				}
				config := before.CachedInfo().Config
				test.config(&config)
				if _, err := js.UpdateStream(t.Context(), config); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Append(t.Context(), delivery("key-first", 1)); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			_, err = s.Append(t.Context(), test.d)
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if errors.Is(err, stream.ErrUnreachable) {
				t.Errorf("%v is reported as an outage", err)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
			if errors.Is(test.want, journal.ErrTooLarge) {
				if _, err := s.Append(t.Context(), delivery("key-next", 1)); err != nil {
					t.Errorf("the next one: %v", err)
				}
			}
		})
	}
}
