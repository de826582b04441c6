package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// login is an account of a sandbox with a subscription that Tripletex has disabled, and the number of logins.
type login struct {
	sandbox *sandbox.Sandbox
	client  *tripletex.Client
	id      int64
	logins  int
	locked  int
}

func newLogin(t *testing.T, target string) *login {
	t.Helper()
	store := sandbox.NewMemory(sandbox.DefaultOptions())
	l := &login{sandbox: sandbox.New(store)}
	tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	client, err := tripletex.New(tripletex.Options{BaseURL: "http://localhost/v2", Credentials: tokens.Get, Transport: l.sandbox})
	if err != nil {
		t.Fatal(err)
	}
	created, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{{Event: "order.create", TargetURL: target}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Update(t.Context(), func(state *sandbox.State) error {
		state.Disable(1, "DISABLED_TOO_MANY_ERRORS")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	l.client, l.id = client, created[0].ID
	return l
}

func (l *login) account() inspect.Account {
	return inspect.Account{
		Client: func(context.Context) (*tripletex.Client, error) {
			l.logins++
			return l.client, nil
		},
		Lock: func(context.Context) (func(), error) {
			l.locked++
			return func() { l.locked-- }, nil
		},
	}
}

func TestSubscriptionsAreListedWithoutCredentials(t *testing.T) {
	t.Parallel()
	l := newLogin(t, "http://127.0.0.1:1/hook?token=canary")
	p := serve(t, func(o *inspect.Options) { o.Account = l.account() })
	body := fmt.Appendf(nil, `{"subscriptionId":%d,"event":"order.create","id":1}`, l.id)
	d := journal.Delivery{Key: "key", Received: time.Now(), Event: "order.create", SubscriptionID: l.id, Body: body}
	if _, err := p.journal.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	c := p.client(t)
	for range 3 {
		status, said := c.get(t, "/api/subscriptions")
		if status != http.StatusOK {
			t.Errorf("%d, want 200: %s", status, said)
		}
		for _, want := range []string{`"status":"DISABLED_TOO_MANY_ERRORS"`, `"latest":"20`} {
			if !strings.Contains(said, want) {
				t.Errorf("no %s in %s", want, said)
			}
		}
		if strings.Contains(said, "canary") {
			t.Errorf("the target shows its credentials: %s", said)
		}
	}
	if l.logins != 1 {
		t.Errorf("%d logins, want 1", l.logins)
	}
}

func TestATargetThatDoesNotAnswerIsNotEnabled(t *testing.T) {
	t.Parallel()
	l := newLogin(t, "http://127.0.0.1:1/hook")
	p := serve(t, func(o *inspect.Options) { o.Account = l.account() })
	c := p.client(t)
	status, said := c.post(t, fmt.Sprintf("/api/subscriptions/%d/enable", l.id), "{}")
	if status != http.StatusConflict {
		t.Errorf("%d, want 409", status)
	}
	if !strings.Contains(said, "not enabled: probe target 127.0.0.1:1") {
		t.Errorf("no cause in %s", said)
	}
	found, err := l.client.Subscription(t.Context(), l.id)
	if err != nil {
		t.Fatal(err)
	}
	if found.Status == tripletex.Active {
		t.Errorf("the subscription is %s", found.Status)
	}
	if l.locked != 0 {
		t.Error("the company is still locked")
	}
	if status, said := c.post(t, "/api/subscriptions/99/enable", "{}"); status != http.StatusBadGateway {
		t.Errorf("an unknown subscription: %d: %s", status, said)
	}
}

func TestWithoutALoginThereAreNoSubscriptions(t *testing.T) {
	t.Parallel()
	if status, said := serve(t, nil).client(t).get(t, "/api/subscriptions"); status != http.StatusNotFound {
		t.Errorf("%d, want 404: %s", status, said)
	}
	failing := inspect.Account{Client: func(context.Context) (*tripletex.Client, error) { return nil, errors.New("the token is canary") }}
	p := serve(t, func(o *inspect.Options) {
		o.Account, o.Redact = failing, func(text string) string { return strings.ReplaceAll(text, "canary", "***") }
	})
	status, said := p.client(t).get(t, "/api/subscriptions")
	if status != http.StatusBadGateway {
		t.Errorf("%d, want 502", status)
	}
	if !strings.Contains(said, "the token is ***") {
		t.Errorf("no cause in %s", said)
	}
}

func subscribing(b *tab) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(target.Close)
	l := newLogin(b.T, target.URL)
	p := serve(b.T, func(o *inspect.Options) { o.Account = l.account() })
	b.open(p.url)
	b.until(`!document.getElementById("tab-subscriptions").hidden`)
	b.tabTo("#tab-subscriptions")
	b.press("\r")
	b.shows("#subscriptions", "DISABLED_TOO_MANY_ERRORS")
	b.tabTo("#subscriptions button")
	b.press(" ")
	b.shows("#enabled", "Enabled subscription")
	b.shows("#subscriptions table", "ACTIVE")
	b.until(`document.activeElement.id === "enabled"`)
	b.tabTo("#tab-deliveries")
	b.press("\r")
	b.shows("#end", "No deliveries")
}

// tabTo presses Tab until an element has the focus.
func (b *tab) tabTo(selector string) {
	b.Helper()
	for range 40 {
		if value[bool](b, "document.activeElement.matches("+quoted(selector)+")") {
			return
		}
		b.press("\t")
	}
	b.Fatalf("Tab does not reach %s", selector)
}
