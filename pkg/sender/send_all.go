package sender

import (
	"context"
	"iter"
	"net/http"
)

// Attempt is a delivery that was sent and its response. Err means that there was none.
type Attempt struct {
	Delivery

	Number   int // from 1 within the deliveries of one mode
	Response Response
	Err      error
}

// SendAll sends a delivery, altered by a mode, count times with a new key each, one after the other, and yields each
// attempt. It stops after the first one without a response. The error is that of [Delivery.In].
func (d Delivery) SendAll(ctx context.Context, transport http.RoundTripper, mode Mode, count int) iter.Seq2[Attempt, error] {
	return func(yield func(Attempt, error) bool) {
		for range count {
			d.Key = NewKey()
			deliveries, err := d.In(mode)
			if err != nil {
				yield(Attempt{}, err)
				return
			}
			for i, one := range deliveries {
				a := one.attempt(ctx, transport, i+1)
				if !yield(a, nil) || a.Err != nil {
					return
				}
			}
		}
	}
}

// attempt sends a delivery and waits for the response for at most [Timeout].
func (d Delivery) attempt(ctx context.Context, transport http.RoundTripper, number int) Attempt {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	a := Attempt{Delivery: d, Number: number}
	a.Response, a.Err = d.Send(ctx, transport)
	return a
}

// Accepted reports whether the receiver answered with 2xx.
func (a Attempt) Accepted() bool { return a.Err == nil && a.Response.Accepted() }

// Refused reports whether the receiver answered with 4xx.
func (a Attempt) Refused() bool {
	return a.Err == nil && a.Response.Status >= http.StatusBadRequest && a.Response.Status < http.StatusInternalServerError
}

// Expected reports whether the receiver reacted to an attempt of this mode as it should: it must refuse an invalid
// delivery and accept any other.
func (m Mode) Expected(a Attempt) bool {
	if m.MustRefuse() {
		return a.Refused()
	}
	return a.Accepted()
}

// MustRefuse reports whether a receiver must refuse the delivery of a mode.
func (m Mode) MustRefuse() bool { return m == BadSignature || m == WrongAuth }
