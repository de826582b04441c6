package sandbox_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func TestDeliveryMatchesTheDocumentation(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.receiver.target = "http://user:p%20w@127.0.0.1:3000/hook?token=x"
		c.subscribe("customer.create",
			`"fields":"id,name,email","authHeaderName":"X-Key","authHeaderValue":"value","hmacSharedSecret":"0123456789"`)
		time.Sleep(propagated)
		c.call("POST /customer", `{"name":"A & B <AS>","email":"a@example.no","phoneNumber":"1"}`)
		time.Sleep(time.Second)
		all := c.receiver.all()
		if len(all) != 1 {
			t.Fatalf("%d deliveries", len(all))
		}
		got := all[0]
		const want = `{"value":{"id":4713,"name":"A & B <AS>","email":"a@example.no"},"event":"customer.create","subscriptionId":4712,"id":4713}`
		if got.body != want {
			t.Errorf("got.body = %v, want %v", got.body, want)
		}
		if got.url != "http://127.0.0.1:3000/hook?token=x" {
			t.Errorf("got.url = %q, want %q", got.url, "http://127.0.0.1:3000/hook?token=x")
		}
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:p w"))
		if got.header.Get("X-Key") != "value" {
			t.Errorf(`got.header.Get("X-Key") = %q, want %q`, got.header.Get("X-Key"), "value")
		}
		if got.header.Get("Authorization") != basic {
			t.Errorf(`got.header.Get("Authorization") = %v, want %v`, got.header.Get("Authorization"), basic)
		}
		if got.header.Get("Content-Type") != "application/json; charset=UTF-8" {
			t.Errorf(`got.header.Get("Content-Type") = %q, want %q`, got.header.Get("Content-Type"), "application/json; charset=UTF-8")
		}
		if _, err := webhook.Verify(got.header, []byte(got.body), "0123456789"); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryEventIsDelivered(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.starts()
		for _, name := range sandbox.EventNames() {
			c.call("POST /event/subscription", `{"event":"`+name+`","targetUrl":"http://127.0.0.1/`+name+`"}`)
		}
		deliverer := sandbox.NewDeliverer(c.store, &c.receiver)
		for _, name := range sandbox.EventNames() {
			before := len(c.receiver.all())
			emitted, err := deliverer.Emit(t.Context(), sandbox.Emission{Event: name, Count: 1, Host: "localhost"})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(emitted.Attempts) != 1 {
				t.Fatalf("%s: len(emitted.Attempts) = %v, want 1", name, len(emitted.Attempts))
			}
			if !emitted.Attempts[0].Delivered {
				t.Fatalf("%s: emitted.Attempts[0].Delivered = false, want true", name)
			}
			got := c.receiver.all()[before]
			envelope, err := webhook.ParseEnvelope([]byte(got.body))
			switch {
			case err != nil:
				t.Errorf("%s: %v", name, err)
			case envelope.Event != name:
				t.Errorf("%s: envelope.Event = %v, want %v", name, envelope.Event, name)
			case envelope.ID != emitted.Objects[0]:
				t.Errorf("%s: envelope.ID = %v, want %v", name, envelope.ID, emitted.Objects[0])
			case got.url != "http://127.0.0.1/"+name:
				t.Errorf("%s: got.url = %v, want %v", name, got.url, "http://127.0.0.1/"+name)
			}
			if gone := payload.IsDeletion(name); gone != (string(envelope.Value) == "null") {
				t.Errorf("%s: value %s", name, envelope.Value)
			}
		}
	})
}

func TestChangesThroughTheAPIAreDelivered(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.subscribe("contact.create", "")
		for _, name := range []string{"contact.update", "contact.delete"} {
			c.call("POST /event/subscription", `{"event":"`+name+`","targetUrl":"`+c.receiver.target+`","fields":"id,version,firstName"}`)
		}
		c.call("POST /contact", `{"firstName":"Kari"}`)
		time.Sleep(time.Second)
		c.call("PUT /contact/4715", `{"version":0,"firstName":"Ola"}`)
		time.Sleep(time.Second)
		c.call("DELETE /contact/list?ids=4715", "")
		time.Sleep(time.Second)
		var bodies []string
		for _, one := range c.receiver.all() {
			bodies = append(bodies, one.body)
		}
		want := `{"value":{"id":4715,"version":0,"url":"localhost:4711/v2/contact/4715","firstName":"Kari"},` +
			`"event":"contact.create","subscriptionId":4712,"id":4715}
{"value":{"id":4715,"version":1,"firstName":"Ola"},"event":"contact.update","subscriptionId":4713,"id":4715}
{"value":null,"event":"contact.delete","subscriptionId":4714,"id":4715}`
		if got := strings.Join(bodies, "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestSuccessResetsFailures(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.receiver.answer = func(_ int, body string) (int, time.Duration) {
			if strings.Contains(body, "good") {
				return http.StatusOK, 0
			}
			return http.StatusServiceUnavailable, 0
		}
		c.happens("")
		for _, step := range []struct {
			after  time.Duration
			number string
			status string
		}{
			{50 * time.Second, "good", "ACTIVE"},
			{time.Second, "bad", "ACTIVE"},
			{45 * time.Second, "bad", "ACTIVE"},
			{20 * time.Second, "bad", "DISABLED_TOO_MANY_ERRORS"},
		} {
			time.Sleep(step.after)
			if _, body := c.call("GET /event/subscription?fields=status", ""); !strings.Contains(body, `"`+step.status+`"`) {
				t.Errorf("before %s: %s, want %s", step.number, body, step.status)
			}
			c.call("POST /order", `{"number":"`+step.number+`"}`)
		}
	})
}

func TestAWeekOfFailuresDisables(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.receiver.answer = failing
		c.happens("")
		first := c.receiver.all()[0].at
		for time.Since(first) < 59*time.Second {
			if _, body := c.call("GET /event/subscription?fields=status", ""); !strings.Contains(body, `"ACTIVE"`) {
				t.Fatalf("after %s: %s", time.Since(first), body)
			}
			time.Sleep(10 * time.Second)
		}
		time.Sleep(2 * time.Second)
		_, body := c.call("GET /event/subscription?fields=status,version", "")
		if !strings.Contains(body, `{"status":"DISABLED_TOO_MANY_ERRORS","version":0}`) {
			t.Errorf("after %s: %s", time.Since(first), body)
		}
		// What happens now is not delivered, nor later; after switching on again, the next event is.
		before := len(c.receiver.all())
		c.call("POST /order", `{"number":"meanwhile"}`)
		time.Sleep(time.Minute)
		c.receiver.answer = nil
		c.call("PUT /event/subscription/4712", `{"status":"ACTIVE"}`)
		time.Sleep(time.Minute)
		c.call("POST /order", `{"number":"afterwards"}`)
		time.Sleep(time.Second)
		switch all := c.receiver.all()[before:]; {
		case len(all) != 1:
			t.Errorf("len(all) = %v, want 1", len(all))
		case !strings.Contains(all[0].body, "afterwards"):
			t.Errorf("all[0].body = %q, want it to contain %q", all[0].body, "afterwards")
		}
	})
}

func TestRetriesTakeThirtyScaledHoursWithOneKeyAndOneBody(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.receiver.answer = failing
		c.happens(`"hmacSharedSecret":"0123456789"`)
		time.Sleep(30 * time.Second)
		all := c.receiver.all()
		first, last := all[0], all[len(all)-1]
		hours := last.at.Sub(first.at).Hours() * sandbox.DefaultSpeed
		switch {
		case len(all) != 10:
			t.Errorf("len(all) = %v, want 10", len(all))
		case hours < 30:
			t.Errorf("hours = %v, want at least 30", hours)
		case hours > 32:
			t.Errorf("hours = %v, want at most 32", hours)
		}
		for _, one := range all {
			if _, err := webhook.Verify(one.header, []byte(one.body), "0123456789"); err != nil {
				t.Error(err)
			}
			if one.body != first.body {
				t.Errorf("another delivery: one.body = %v, want %v", one.body, first.body)
			}
			if one.header.Get("Idempotency-Key") != first.header.Get("Idempotency-Key") {
				t.Errorf(`another delivery: one.header.Get("Idempotency-Key") = %v, want %v`,
					one.header.Get("Idempotency-Key"), first.header.Get("Idempotency-Key"))
			}
		}
	})
}

func TestDeliveryIsLostOnlyAfterItsLease(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.set("answer-within=30s")
		c.receiver.answer = func(int, string) (int, time.Duration) { return http.StatusOK, 25 * time.Second }
		c.subscribe("order.create", "")
		c.call("POST /order", `{}`)
		time.Sleep(10 * time.Minute)
		if n := len(c.receiver.all()); n != 1 {
			t.Errorf("a slow answer was not waited for: %d deliveries", n)
		}
	})
}

// The delivery of a killed deliverer is sent by the next one with the same key.
func TestInterruptedDeliveryIsSentByTheNextProcess(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.call("POST /event/subscription", `{"event":"order.create","targetUrl":"http://127.0.0.1/"}`)
		c.call("POST /order", `{}`)
		c.receiver.answer = func(n int, _ string) (int, time.Duration) {
			if n == 0 {
				return http.StatusOK, time.Hour
			}
			return http.StatusOK, 0
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- sandbox.NewDeliverer(c.store, &c.receiver).Run(ctx) }()
		time.Sleep(time.Second)
		cancel()
		start := time.Now()
		switch err := <-ended; {
		case err != nil:
			t.Error(err)
		case time.Since(start) > 6*time.Second:
			t.Errorf("time.Since(start) = %v, want at most %v", time.Since(start), 6*time.Second)
		}
		c.starts()
		time.Sleep(time.Second)
		all := c.receiver.all()
		switch {
		case len(all) != 2:
			t.Errorf("len(all) = %v, want 2", len(all))
		case all[0].header.Get("Idempotency-Key") != all[1].header.Get("Idempotency-Key"):
			t.Errorf(`all[0].header.Get("Idempotency-Key") = %v, want %v`,
				all[0].header.Get("Idempotency-Key"), all[1].header.Get("Idempotency-Key"))
		}
	})
}

func TestDeadReceiverDoesNotBlockAnother(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.receiver.answer = func(_ int, body string) (int, time.Duration) {
			if strings.Contains(body, `"subscriptionId":4712`) {
				return http.StatusOK, time.Hour
			}
			return http.StatusOK, 0
		}
		c.subscribe("order.create", "")
		c.call("POST /event/subscription", `{"event":"order.create","targetUrl":"http://127.0.0.1/"}`)
		for range 5 {
			c.call("POST /order", `{}`)
		}
		time.Sleep(time.Second)
		delivered := 0
		for _, one := range c.receiver.all() {
			delivered += strings.Count(one.body, `"subscriptionId":4713`)
		}
		if delivered != 5 {
			t.Errorf("%d of 5 were delivered beside a receiver that does not answer", delivered)
		}
	})
}

func TestEventsReachOnlyTheirCompany(t *testing.T) {
	inTime(t, func(t *testing.T, c *caller) {
		c.set("propagation=0s")
		c.subscribe("order.create", "")
		c.box = asCompany{c.box}
		c.call("POST /order", `{}`)
		time.Sleep(time.Second)
		if n := len(c.receiver.all()); n != 0 {
			t.Errorf("%d deliveries about an order of another company", n)
		}
	})
}

// A stored delivery is sent with the same bytes.
func TestStoringKeepsTheBytesOfADelivery(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c := login(t, sandbox.NewFile(folder))
	c.set("propagation=0s")
	c.call("POST /event/subscription", `{"event":"customer.create","targetUrl":"http://127.0.0.1/"}`)
	c.call("POST /customer", `{"name":"A & B <AS>`+" \u2028 "+`","description":"\u0026\ud83d\ude00"}`)
	got := &receiver{answer: failing}
	for range 2 {
		deliverer := sandbox.NewDeliverer(sandbox.NewFile(folder), got)
		ctx, cancel := context.WithCancel(t.Context())
		attempts := make(chan sandbox.Attempt, 100)
		deliverer.Attempted = func(a sandbox.Attempt) { attempts <- a }
		ended := make(chan error)
		go func() { ended <- deliverer.Run(ctx) }()
		<-attempts
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	all := got.all()
	switch {
	case len(all) < 2:
		t.Errorf("len(all) = %v, want at least 2", len(all))
	case !bytes.Equal([]byte(all[0].body), []byte(all[len(all)-1].body)):
		t.Errorf("%+v", all)
	case !strings.Contains(all[0].body, "A & B <AS>"):
		t.Errorf("all[0].body = %q, want it to contain %q", all[0].body, "A & B <AS>")
	}
}
