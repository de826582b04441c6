package calibrate

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// sharedSecret signs the deliveries of the run. It is valid base64, so that the two keys of the switch signature-key
// differ. It protects test data only.
const sharedSecret = "dGx4aG9vayBjYWxpYnJhdGU="

const (
	// arriveTime bounds the wait for a first attempt.
	arriveTime = time.Minute
	// graceTime is the wait for a delivery that may follow another one.
	graceTime = 3 * time.Second
	// propagatedTime is longer than any known propagation delay.
	propagatedTime = 13 * time.Second
)

// deliverySwitches returns the switches that show in deliveries.
func deliverySwitches() []string {
	return []string{
		"propagation", "content-type", "envelope-order", "unsigned-key", "signature-key", "signature-text", "secrets-on-update", "credentials",
		"rapid-changes", "retry-order", "answer-within", "delivered-by", "retry-key", "retry-body", "retry-waits", "pending",
	}
}

// receive runs the experiments that receive deliveries. They share customers, because each costs requests.
func receive(ctx context.Context, l *lab) error {
	d := l.o.Deliveries
	if d == nil {
		return errNeeded
	}
	run := &deliveryRun{lab: l, receiver: d.Receiver, ids: map[string][2]int64{}}
	d.Receiver.expect(mark+l.run+"/", run.answers())
	for _, step := range []func(context.Context) error{
		run.propagation, run.subscribe, run.headers, run.changes, run.order, run.retries, run.patience,
	} {
		l.trail = nil
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// deliveryRun is the state of the experiments that receive deliveries.
type deliveryRun struct {
	*lab

	receiver *Receiver
	ids      map[string][2]int64 // ID and version of subscriptions, by name
	customer struct{ ID, Version int64 }
	changed  time.Time // when the customer was changed first
	disabled int       // attempts of the subscription "pending" while it was disabled
}

func always(status int) func(arrival) int { return func(arrival) int { return status } }

// answers returns the responses of the receiver, by subscription.
func (r *deliveryRun) answers() map[string]func(arrival) int {
	first := int64(-1)
	return map[string]func(arrival) int{
		"propagation": always(http.StatusOK), "plain": always(http.StatusOK), "signed": always(http.StatusOK),
		"updated": always(http.StatusOK), "credentials": always(http.StatusOK), "rapid": always(http.StatusOK),
		"created": always(http.StatusCreated), "redirect": always(http.StatusFound),
		"failing": always(http.StatusInternalServerError), "pending": always(http.StatusInternalServerError),
		"slow": always(0),
		// The first version fails again and again, later ones succeed.
		"order": func(a arrival) int {
			if first < 0 {
				first = a.version
			}
			if a.version == first {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		},
	}
}

// subscribeTo creates an active subscription of the receiver.
func (r *deliveryRun) subscribeTo(ctx context.Context, name, event string, more map[string]any) error {
	body := map[string]any{"event": event, "targetUrl": strings.TrimRight(r.o.Deliveries.PublicURL, "/") + mark + r.run + "/" + name}
	maps.Copy(body, more)
	if name == "credentials" {
		body["targetUrl"] = strings.Replace(body["targetUrl"].(string), "://", "://user:password@", 1)
	}
	id, version, err := r.made(ctx, body)
	r.ids[name] = [2]int64{id, version}
	return err
}

// change updates a subscription and keeps its new version.
func (r *deliveryRun) change(ctx context.Context, name string, change map[string]any) error {
	got, err := r.update(ctx, r.ids[name][0], r.ids[name][1], change)
	if err == nil {
		err = got.refusal("update subscription")
	}
	r.ids[name] = [2]int64{r.ids[name][0], got.created().Version}
	return err
}

// newCustomer creates a customer and returns its ID.
func (r *deliveryRun) newCustomer(ctx context.Context) (int64, error) {
	got, err := r.call(ctx, http.MethodPost, "/customer", map[string]any{"name": customerName})
	if err == nil {
		err = got.refusal("create customer")
	}
	r.customer = got.created()
	return r.customer.ID, err
}

// changeCustomer changes the last customer.
func (r *deliveryRun) changeCustomer(ctx context.Context, n int) error {
	path := "/customer/" + strconv.FormatInt(r.customer.ID, 10)
	body := map[string]any{
		"id": r.customer.ID, "version": r.customer.Version, "name": customerName, "description": fmt.Sprintf("change %d", n),
	}
	got, err := r.call(ctx, http.MethodPut, path, body)
	if err == nil {
		err = got.refusal("change customer")
	}
	if r.customer = got.created(); r.changed.IsZero() {
		r.changed = time.Now()
	}
	return err
}

// propagation creates customers 1, 5 and 13 seconds after a subscription. The longest time without a delivery is below the
// delay.
func (r *deliveryRun) propagation(ctx context.Context) error {
	if err := r.settle(ctx, 10); err != nil {
		return err
	}
	if err := r.subscribeTo(ctx, "propagation", "customer.create", nil); err != nil {
		return err
	}
	start, since := time.Now(), map[int64]time.Duration{}
	last := int64(0)
	for _, after := range []time.Duration{time.Second, 5 * time.Second, propagatedTime} {
		if err := wait.Until(ctx, start.Add(after)); err != nil {
			return err
		}
		id, err := r.newCustomer(ctx)
		if err != nil {
			return err
		}
		since[id], last = time.Since(start), id
	}
	if _, err := r.await(ctx, arriveTime, func() bool { return r.delivered("propagation", last) }); err != nil {
		return err
	}
	if !r.delivered("propagation", last) {
		return fmt.Errorf("no delivery arrived at the public URL within %s", arriveTime)
	}
	if err := wait.For(ctx, graceTime); err != nil {
		return err
	}
	below, atMost := time.Duration(-1), propagatedTime
	for id, after := range since {
		if r.delivered("propagation", id) {
			atMost = min(atMost, after)
		} else {
			below = max(below, after)
		}
	}
	var possible []string
	for _, value := range []string{"0s", "2s", "10s"} {
		if delay, _ := time.ParseDuration(value); below < delay && delay <= atMost {
			possible = append(possible, value)
		}
	}
	if len(possible) == 1 { // more if a rate limit delayed the customers
		r.observe("propagation", possible[0],
			fmt.Sprintf("no event before %s, events from %s", max(below, 0).Round(time.Second), atMost.Round(time.Second)))
	}
	return nil
}

func (r *deliveryRun) delivered(name string, id int64) bool {
	for _, a := range r.receiver.arrived(name) {
		if a.id == id {
			return true
		}
	}
	return false
}

// subscribe creates the subscriptions of the further experiments and waits until they receive events.
func (r *deliveryRun) subscribe(ctx context.Context) error {
	if err := r.change(ctx, "propagation", map[string]any{"status": "DISABLED"}); err != nil {
		return err
	}
	signed := map[string]any{"hmacSharedSecret": sharedSecret}
	for _, s := range []struct {
		name, event string
		more        map[string]any
	}{
		{"plain", "customer.create", nil},
		{"signed", "customer.create", signed},
		{"updated", "customer.create", signed},
		{"credentials", "customer.create", map[string]any{"authHeaderName": "Authorization", "authHeaderValue": "Bearer calibrate"}},
		{"created", "customer.create", nil},
		{"redirect", "customer.create", nil},
		{"failing", "customer.create", signed}, // so that it has an idempotency key
		{"pending", "customer.create", nil},
		{"slow", "customer.create", nil},
		{"rapid", "customer.update", nil},
		{"order", "customer.update", nil},
	} {
		if err := r.subscribeTo(ctx, s.name, s.event, s.more); err != nil {
			return err
		}
	}
	if err := r.change(ctx, "updated", map[string]any{"fields": "id,version"}); err != nil {
		return err
	}
	if err := wait.For(ctx, propagatedTime); err != nil {
		return err
	}
	return r.settle(ctx, 15)
}

// headers creates a customer and looks at the headers of its deliveries.
func (r *deliveryRun) headers(ctx context.Context) error {
	if _, err := r.newCustomer(ctx); err != nil {
		return err
	}
	for _, name := range []string{"plain", "signed", "updated", "credentials", "failing", "pending"} {
		if ok, err := r.awaitArrivals(ctx, arriveTime, name, 1); err != nil || !ok {
			return errorOr(err, "no delivery for %s", name)
		}
	}
	envelope := string(r.receiver.arrived("plain")[0].body)
	r.observe("envelope-order", choice(strings.HasPrefix(envelope, `{"value"`), "value-first", "value-last"))
	plain := r.receiver.arrived("plain")[0].header
	r.observe("content-type", choice(strings.Contains(strings.ToLower(plain.Get("Content-Type")), "charset"), "charset", "plain"),
		"Content-Type: "+shortened(plain.Get("Content-Type")))
	r.observe("unsigned-key", choice(plain.Get(webhook.KeyHeader) != "", "sent", "absent"))
	r.observe("credentials", choice(r.receiver.arrived("credentials")[0].header.Get("Authorization") == "Bearer calibrate", "header", "url"))
	updated := r.receiver.arrived("updated")[0].header
	r.observe("secrets-on-update", choice(updated.Get(webhook.SignatureHeader) != "", "keep", "clear"))
	r.signature(r.receiver.arrived("signed")[0])
	return nil
}

// signature compares a signature with those of both keys, with and without padding.
func (r *deliveryRun) signature(a arrival) {
	got := a.header.Get(webhook.SignatureHeader)
	decoded, _ := base64.StdEncoding.DecodeString(sharedSecret) // it is valid
	for value, key := range map[string]string{"text": sharedSecret, "base64": string(decoded)} {
		want := webhook.Sign(key, a.header.Get(webhook.KeyHeader), a.body)
		if strings.TrimRight(got, "=") == strings.TrimRight(want, "=") {
			r.observe("signature-key", value)
			r.observe("signature-text", choice(got == want, "padded", "unpadded"))
		}
	}
}

// rapidTime is the longest time of changes after which a delivery for each shows that none are combined.
const rapidTime = 150 * time.Millisecond

// changes changes the customer three times in quick succession and counts the deliveries.
func (r *deliveryRun) changes(ctx context.Context) error {
	if err := r.change(ctx, "pending", map[string]any{"status": "DISABLED"}); err != nil {
		return err
	}
	if err := wait.For(ctx, time.Second); err != nil { // for an attempt in flight
		return err
	}
	r.disabled = len(r.receiver.arrived("pending"))
	if err := r.change(ctx, "pending", map[string]any{"status": "ACTIVE"}); err != nil {
		return err
	}
	const times = 3
	begun := time.Now()
	for n := range times {
		if err := r.changeCustomer(ctx, n); err != nil {
			return err
		}
	}
	took := time.Since(begun)
	if ok, err := r.awaitArrivals(ctx, arriveTime, "rapid", 1); err != nil || !ok {
		return errorOr(err, "no delivery for a changed customer")
	}
	if err := wait.For(ctx, graceTime); err != nil {
		return err
	}
	got := len(r.receiver.arrived("rapid"))
	if got == times && took > rapidTime {
		r.skip("rapid-changes", fmt.Sprintf("%d changes took %s, which is not rapid", times, took.Round(time.Millisecond)))
		return nil
	}
	r.observe("rapid-changes", choice(got < times, "latest", "every"), fmt.Sprintf("%d deliveries for %d changes", got, times))
	return nil
}
