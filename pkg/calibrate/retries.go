package calibrate

import (
	"context"
	"fmt"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/wait"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// order changes the customer again while an earlier delivery about it fails.
func (r *deliveryRun) order(ctx context.Context) error {
	if ok, err := r.awaitArrivals(ctx, arriveTime, "order", 1); err != nil || !ok {
		return errorOr(err, "no delivery for a changed customer")
	}
	before := r.firstVersions()
	if err := r.changeCustomer(ctx, 3); err != nil {
		return err
	}
	overtaken := func() bool { return len(r.receiver.arrived("order")) > r.firstVersions() }
	if _, err := r.await(ctx, r.o.Deliveries.Wait, func() bool { return overtaken() || r.firstVersions() > before }); err != nil {
		return err
	}
	if _, err := r.await(ctx, graceTime, overtaken); err != nil {
		return err
	}
	switch {
	case overtaken():
		r.observe("retry-order", "overtake")
	case r.firstVersions() > before:
		r.observe("retry-order", "wait")
	default:
		r.skip("retry-order", "no retry within "+r.o.Deliveries.Wait.String())
	}
	return nil
}

// firstVersions returns the number of attempts for the first version of the customer.
func (r *deliveryRun) firstVersions() (n int) {
	all := r.receiver.arrived("order")
	for _, a := range all {
		if a.version == all[0].version {
			n++
		}
	}
	return n
}

// retries waits for two retries of a failing delivery and compares it with the deliveries that got another response.
func (r *deliveryRun) retries(ctx context.Context) error {
	end := time.Now().Add(r.o.Deliveries.Wait)
	retried, err := r.awaitArrivals(ctx, time.Until(end), "failing", 2)
	if err != nil {
		return err
	}
	if !retried {
		for _, name := range []string{"delivered-by", "retry-key", "retry-body", "retry-waits", "pending"} {
			r.skip(name, "no retry within "+r.o.Deliveries.Wait.String())
		}
		return nil
	}
	if err := wait.For(ctx, graceTime); err != nil {
		return err
	}
	r.firstRetry()
	if retried, err = r.awaitArrivals(ctx, time.Until(end), "failing", 3); err != nil {
		return err
	}
	if !retried {
		r.skip("retry-waits", "one retry within "+r.o.Deliveries.Wait.String())
		r.skip("pending", "one retry within "+r.o.Deliveries.Wait.String())
		return nil
	}
	if err := wait.For(ctx, graceTime); err != nil {
		return err
	}
	first, longest := waits(r.receiver.arrived("failing"))
	r.observe("retry-waits", choice(float64(longest) < 1.5*float64(first), "even", "doubling"),
		fmt.Sprintf("first retry after %s, longest wait %s", first.Round(time.Millisecond), longest.Round(time.Millisecond)))
	attempts := len(r.receiver.arrived("pending")) - r.disabled
	r.observe("pending", choice(attempts > 0, "keep", "drop"), fmt.Sprintf("attempts after disabling and enabling: %d", attempts))
	return nil
}

// waits returns the first and the longest time between two attempts.
func waits(all []arrival) (first, longest time.Duration) {
	first = all[1].at.Sub(all[0].at)
	for i := range all[1:] {
		longest = max(longest, all[i+1].at.Sub(all[i].at))
	}
	return first, longest
}

// firstRetry compares the first retry with the first attempt.
func (r *deliveryRun) firstRetry() {
	all := r.receiver.arrived("failing")
	key := func(a arrival) string { return a.header.Get(webhook.KeyHeader) }
	if key(all[0]) != "" {
		r.observe("retry-key", choice(key(all[0]) == key(all[1]), "same", "new"), "keys of the first attempt and its retry compared")
	} else {
		r.skip("retry-key", "deliveries have no idempotency key")
	}
	if last := all[len(all)-1]; last.at.After(r.changed) {
		r.observe("retry-body", choice(all[0].version == last.version, "same", "latest"),
			fmt.Sprintf("versions %d and %d", all[0].version, last.version))
	}
	redirected, created := len(r.receiver.arrived("redirect")) > 1, len(r.receiver.arrived("created")) > 1
	facts := fmt.Sprintf("retried after 302: %t, after 201: %t", redirected, created)
	switch {
	case redirected && !created:
		r.observe("delivered-by", "2xx", facts)
	case redirected:
		r.observe("delivered-by", "200", facts)
	case !created:
		r.observe("delivered-by", "below-400", facts)
	}
}

// patience observes how long the service waits for a response.
func (r *deliveryRun) patience(ctx context.Context) error {
	if _, err := r.await(ctx, holdTime+sender.Timeout, func() bool { return r.receiver.patience() > 0 }); err != nil {
		return err
	}
	waited := r.receiver.patience()
	for _, value := range []string{"10s", "30s"} {
		expected, _ := time.ParseDuration(value)
		if difference := (waited - expected).Abs(); difference < 2*time.Second {
			r.observe("answer-within", value, "gave up after "+waited.Round(time.Second).String())
			return nil
		}
	}
	return fmt.Errorf("the service waited for %s", waited.Round(time.Second))
}
