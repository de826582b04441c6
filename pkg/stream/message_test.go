package stream_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Whatever an event is called, its subject has four parts, and none that means something to a server.
func TestSubjects(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"order.update": "tripletex.7.order.update", "Invoice.Charged": "tripletex.7.Invoice.Charged", "a.b.c": "tripletex.7.a.b_c",
		"": "tripletex.7._._", "order": "tripletex.7.order._", "*.>": "tripletex.7._._", "a b.\r\nPUB x": "tripletex.7.a_b.__PUB_x",
		"blåbær.\x00": "tripletex.7.bl_b_r._", "$JS.API": "tripletex.7._JS.API",
	} {
		if got := stream.Subject(7, name); got != want {
			t.Errorf("%q becomes %q, not %q", name, got, want)
		}
	}
	if long := stream.Subject(0, strings.Repeat("a", 1000)+"."+strings.Repeat("b", 1000)); len(long) != len("tripletex.0..")+128 {
		t.Errorf("%d bytes", len(long))
	}
}

// cloudEvent reads the headers of a message as a reader of CloudEvents does.
func cloudEvent(t *testing.T, m *jetstream.RawStreamMsg) event.Event {
	t.Helper()
	e := event.New(decoded(t, m, "ce-specversion"))
	e.SetID(decoded(t, m, "ce-id"))
	e.SetSource(decoded(t, m, "ce-source"))
	e.SetType(decoded(t, m, "ce-type"))
	e.SetSubject(decoded(t, m, "ce-subject"))
	at, err := time.Parse(time.RFC3339Nano, decoded(t, m, "ce-time"))
	if err != nil {
		t.Error(err)
	}
	e.SetTime(at)
	e.SetDataContentType(decoded(t, m, "ce-datacontenttype"))
	e.DataEncoded = m.Data
	return e
}

func decoded(t *testing.T, m *jetstream.RawStreamMsg, name string) string {
	t.Helper()
	text, err := url.PathUnescape(m.Header.Get(name))
	if err != nil {
		t.Error(err)
	}
	return text
}

// What is published is a CloudEvent by the rules of its own library, and still the delivery byte for byte: its
// signature can be verified. A hostile name gets no further than into its header.
func TestMessageIsTheDeliveryAndACloudEvent(t *testing.T) {
	t.Parallel()
	s := serve(t, &server.Options{})
	opened := open(t, s)
	for n, name := range []string{"order.update", "a\r\nNats-Rollup: all\r\n.b", "ø%41\".update"} {
		d := delivery("key-"+string(rune('a'+n)), 1001)
		d.Event = name
		d.Signature = webhook.Sign("a-secret", d.Key, d.Body)
		if _, err := opened.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		found, err := raw(t, s).Stream(t.Context(), "DELIVERIES")
		if err != nil {
			t.Fatal(err)
		}
		m, err := found.GetLastMsgForSubject(t.Context(), ">")
		if err != nil {
			t.Fatal(err)
		}
		e := cloudEvent(t, m)
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
		object, _, _ := strings.Cut(name, ".")
		if e.SpecVersion() != "1.0" {
			t.Errorf("e.SpecVersion() = %q, want %q", e.SpecVersion(), "1.0")
		}
		if e.ID() != d.Key {
			t.Errorf("e.ID() = %v, want %v", e.ID(), d.Key)
		}
		if e.Type() != "no.tripletex."+name {
			t.Errorf("e.Type() = %v, want %v", e.Type(), "no.tripletex."+name)
		}
		if e.Source() != "/tripletex/company/0/subscription/4711" {
			t.Errorf("e.Source() = %q, want %q", e.Source(), "/tripletex/company/0/subscription/4711")
		}
		if e.Subject() != object+"/1001" {
			t.Errorf("e.Subject() = %v, want %v", e.Subject(), object+"/1001")
		}
		if !e.Time().Equal(d.Received) {
			t.Errorf("e.Time() = %v, want %v", e.Time(), d.Received)
		}
		if e.DataContentType() != d.ContentType {
			t.Errorf("e.DataContentType() = %v, want %v", e.DataContentType(), d.ContentType)
		}
		switch _, err := webhook.Verify(map[string][]string(m.Header), m.Data, "a-secret"); {
		case err != nil:
			t.Error(err)
		case !bytes.Equal(m.Data, d.Body):
			t.Errorf("m.Data = %q, want %q", m.Data, d.Body)
		}
		if m.Header.Get("Nats-Rollup") != "" {
			t.Errorf(`m.Header.Get("Nats-Rollup") = %q, want %q`, m.Header.Get("Nats-Rollup"), "")
		}
		if m.Header.Get("Content-Type") != d.ContentType {
			t.Errorf(`m.Header.Get("Content-Type") = %v, want %v`, m.Header.Get("Content-Type"), d.ContentType)
		}
	}
}
