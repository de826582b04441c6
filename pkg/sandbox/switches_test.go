package sandbox_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// Every value of every switch results in a different response or delivery.
func TestEverySwitchHasAnEffect(t *testing.T) {
	t.Parallel()
	const order = `{"event":"order.create","targetUrl":"https://example.com"}`
	uses := map[string]func(*caller){
		"accountant-refusal": func(c *caller) { c.as(sandbox.AccountantToken); c.call("GET /event/subscription", "") },
		"bulk": func(c *caller) {
			c.call("POST /event/subscription/list", `[`+order+`,{"event":"order.create"}]`)
			c.call("GET /event/subscription?fields=event", "")
		},
		"digest":     func(c *caller) { c.call("GET /event/subscription", "") },
		"duplicates": func(c *caller) { c.call("POST /event/subscription", order); c.call("POST /event/subscription", order) },
		"event-case": func(c *caller) {
			c.call("POST /event/subscription", strings.Replace(order, "order", "Order", 1))
		},
		"event-change": func(c *caller) {
			c.call("POST /event/subscription", order)
			c.call("PUT /event/subscription/4712", `{"event":"order.update"}`)
		},
		"http-target": func(c *caller) {
			for _, target := range []string{"http://127.0.0.1/", "http://example.com"} {
				c.call("POST /event/subscription", strings.Replace(order, "https://example.com", target, 1))
			}
		},
		"limit-body":    exhaust,
		"limit-reset":   exhaust,
		"payload-model": func(c *caller) { c.call("GET /event", "") },
		"reactivate": func(c *caller) {
			c.call("POST /event/subscription", order)
			c.call("PUT /event/subscription/4712", `{"status":"DISABLED_MISUSE"}`)
			c.call("PUT /event/subscription/4712", `{"status":"ACTIVE"}`)
		},
		"refresh-status": func(c *caller) {
			c.call("POST /token/session/:createFromRefreshToken", `{"refreshToken":"tlxr_sandbox","ttlSeconds":30}`)
			c.call("POST /token/session/:createFromRefreshToken", `{"refreshToken":"tlxr_sandbox","ttlSeconds":300}`)
		},
		"secrets-on-update": func(c *caller) {
			c.call("POST /event/subscription", strings.Replace(order, "}", `,"hmacSharedSecret":"0123456789"}`, 1))
			c.call("PUT /event/subscription/4712", `{"fields":"id"}`)
			c.answers = append(c.answers, c.state())
		},
		"session-post":  func(c *caller) { c.call("POST /token/session/:create", `{}`) },
		"unknown-event": func(c *caller) { c.call("POST /event/subscription", strings.Replace(order, "create", "eat", 1)) },
		"visibility": func(c *caller) {
			c.box = asCompany{c.box}
			c.call("POST /event/subscription", order)
			c.as(sandbox.AccountantToken)
			c.call("GET /event/subscription?fields=event", "")
		},
	}
	maps.Copy(uses, deliveryUses())
	for _, known := range sandbox.AllSwitches() {
		valueOf := map[string]string{}
		for _, value := range known.Values {
			answers := use(t, known.Name+"="+value, uses[known.Name])
			if again := use(t, known.Name+"="+value, uses[known.Name]); again != answers {
				t.Errorf("%s=%s differs between two runs:\n%s\n%s", known.Name, value, answers, again)
			}
			if earlier, ok := valueOf[answers]; ok {
				t.Errorf("%s: %s and %s have the same result\n%s", known.Name, earlier, value, answers)
			}
			valueOf[answers] = value
		}
	}
}

// use returns the responses and deliveries of a new sandbox with a switch set.
func use(t *testing.T, set string, do func(*caller)) (answers string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, func(o *sandbox.Options) { o.RateLimit.Requests = 12 })
		c.set(set)
		c.answers = nil
		do(c)
		answers = strings.Join(append(c.answers, c.receiver.story()...), "\n")
	})
	return regexp.MustCompile(`"token":"[^"]*"`).ReplaceAllString(answers, `"token":"…"`) // never the same twice
}

// deliveryUses exercise the switches for deliveries.
func deliveryUses() map[string]func(*caller) {
	const secret = "MDEyMzQ1Njc4OWFiY2RlZg==" // is base64, too
	signed := func(c *caller) { c.happens(`"hmacSharedSecret":"` + secret + `"`) }
	created := func(c *caller) { c.happens("") }
	return map[string]func(*caller){
		"answer-within": func(c *caller) {
			c.receiver.answer = func(int, string) (int, time.Duration) { return http.StatusOK, 20 * time.Second }
			created(c)
			time.Sleep(40 * time.Second)
		},
		"content-type": created,
		"credentials": func(c *caller) {
			c.receiver.target = "http://user:password@127.0.0.1/"
			c.happens(`"authHeaderName":"Authorization","authHeaderValue":"Bearer x"`)
		},
		"delivered-by": func(c *caller) {
			c.receiver.answer = func(n int, _ string) (int, time.Duration) { return []int{302, 201, 200}[n], 0 }
			created(c)
		},
		"disabling": func(c *caller) {
			c.receiver.answer = failing
			created(c)
			time.Sleep(2 * time.Minute)
			c.call("GET /event/subscription?fields=status", "")
		},
		"envelope-order": created,
		"pending": func(c *caller) {
			c.receiver.answer = failing
			created(c)
			c.call("PUT /event/subscription/4712", `{"status":"DISABLED"}`)
			c.call("PUT /event/subscription/4712", `{"status":"ACTIVE"}`)
			time.Sleep(time.Minute)
		},
		"propagation": func(c *caller) {
			c.subscribe("order.create", "")
			for range 2 {
				time.Sleep(propagated / 3)
				c.call("POST /order", `{}`)
				time.Sleep(propagated)
			}
		},
		"rapid-changes": func(c *caller) {
			c.subscribe("order.update", "")
			c.call("POST /order", `{}`)
			time.Sleep(propagated)
			for range 3 {
				c.call("PUT /order/4713", `{}`)
			}
			time.Sleep(time.Second)
		},
		"retry-body": func(c *caller) {
			c.receiver.answer = failing
			created(c)
			c.call("PUT /order/4713", `{"number":"17"}`)
			time.Sleep(10 * time.Second)
		},
		"retry-key": func(c *caller) {
			c.receiver.answer = failing
			created(c)
		},
		"retry-order": func(c *caller) {
			c.receiver.answer = func(_ int, body string) (int, time.Duration) {
				if strings.Contains(body, `"version":1`) {
					return http.StatusServiceUnavailable, 0
				}
				return http.StatusOK, 0
			}
			c.subscribe("order.update", "")
			c.call("POST /order", `{}`)
			time.Sleep(propagated)
			c.call("PUT /order/4713", `{}`)
			time.Sleep(time.Second)
			c.call("PUT /order/4713", `{}`)
			time.Sleep(time.Second)
		},
		"retry-waits": func(c *caller) {
			c.receiver.answer = failing
			created(c)
			time.Sleep(12 * time.Second)
		},
		"signature-key":  signed,
		"signature-text": signed,
		"subscription-fields": func(c *caller) {
			c.call("POST /event/subscription", `{"event":"order.create","targetUrl":"http://127.0.0.1/","fields":"id,nothing"}`)
		},
		"unsigned-key": created,
		"voucher-status-value": func(c *caller) {
			c.subscribe("voucherstatus.ready", "")
			time.Sleep(propagated)
			c.call("POST /voucherStatus", `{"voucher":{"id":7},"status":"DONE"}`)
			time.Sleep(time.Second)
		},
	}
}

// asCompany sends every request as the first client company.
type asCompany struct{ next http.RoundTripper }

func (a asCompany) RoundTrip(r *http.Request) (*http.Response, error) {
	_, token, _ := r.BasicAuth()
	r.SetBasicAuth("2001", token)
	return a.next.RoundTrip(r)
}

func exhaust(c *caller) {
	for range 20 {
		if status, _ := c.call("GET /event", ""); status == 429 {
			return
		}
	}
}
