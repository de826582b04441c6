package stream

import (
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	subjectRoot = "tripletex"
	// allSubjects are those of every delivery: company, object and verb.
	allSubjects = subjectRoot + ".*.*.*"
	// typePrefix begins the type of every event: CloudEvents recommends a reverse domain name.
	typePrefix = "no.tripletex."
)

// The headers of a message beside those of the delivery. Source: CloudEvents 1.0, binary mode of the NATS binding.
const (
	headerSpecVersion = "ce-specversion"
	headerID          = "ce-id"
	headerSource      = "ce-source"
	headerType        = "ce-type"
	headerSubject     = "ce-subject"
	headerTime        = "ce-time"
	headerContentType = "ce-datacontenttype"
	// headerVia is receiver.ViaHeader.
	headerVia = "X-Tlxhook-Via"
)

// Subject returns the subject of an event: tripletex, company, object and verb. Characters that are not permitted in a
// subject become "_".
func Subject(company int64, event string) string {
	object, verb, _ := strings.Cut(event, ".")
	return strings.Join([]string{subjectRoot, strconv.FormatInt(company, 10), token(object), token(verb)}, ".")
}

// token returns a part of a subject, of at most 64 bytes.
func token(text string) string {
	if text == "" {
		return "_"
	}
	safe := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, text)
	return safe[:min(len(safe), 64)]
}

// message returns the message of a delivery: the original body and headers, and those of CloudEvents.
func message(company int64, d journal.Delivery) *nats.Msg {
	m := &nats.Msg{Subject: Subject(company, d.Event), Data: d.Body, Header: nats.Header{}}
	object, _, _ := strings.Cut(d.Event, ".")
	set := func(name, value string) {
		if value != "" {
			m.Header.Set(name, encode(value))
		}
	}
	set(headerSpecVersion, "1.0")
	set(headerID, d.Key)
	set(headerSource, fmt.Sprintf("/tripletex/company/%d/subscription/%d", company, d.SubscriptionID))
	set(headerType, typePrefix+d.Event)
	set(headerSubject, object+"/"+strconv.FormatInt(d.ObjectID, 10))
	set(headerTime, d.Received.UTC().Format(time.RFC3339Nano))
	set(headerContentType, d.ContentType)
	for name, value := range map[string]string{webhook.KeyHeader: d.Key, webhook.SignatureHeader: d.Signature, "Content-Type": d.ContentType} {
		if value != "" {
			m.Header.Set(name, value)
		}
	}
	if through := d.Header.Get(headerVia); through != "" {
		m.Header.Set(headerVia, through)
	}
	m.Header.Set(jetstream.MsgIDHeader, d.Key)
	return m
}

// encode writes the value of an attribute of CloudEvents: all but printable ASCII, and a space, a quote and a percent
// sign are escaped. Source: CloudEvents 1.0, HTTP binding 3.1.3.2.
func encode(value string) string {
	var text strings.Builder
	for _, c := range []byte(value) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&text, "%%%02X", c)
			continue
		}
		text.WriteByte(c)
	}
	return text.String()
}

// entry parses a message. A message of another program is read as far as possible.
func entry(seq uint64, subject string, header nats.Header, body []byte, stored time.Time) journal.Entry {
	get := textproto.MIMEHeader(header).Get
	e := journal.Entry{ID: number(seq), State: journal.Pending, Delivery: journal.Delivery{
		Key: get(webhook.KeyHeader), ContentType: get("Content-Type"), Signature: get(webhook.SignatureHeader), Body: body, Received: stored,
	}}
	if through := get(headerVia); through != "" {
		e.Header = http.Header{headerVia: {through}}
	}
	if at, err := time.Parse(time.RFC3339Nano, header.Get(headerTime)); err == nil {
		e.Received = at
	}
	if envelope, readable, err := webhook.ParseHead(body); err == nil {
		e.Event, e.SubscriptionID, e.ObjectID, e.Unreadable = envelope.Event, envelope.SubscriptionID, envelope.ID, !readable
		return e
	}
	if parts := strings.Split(subject, "."); len(parts) >= 2 {
		e.Event = strings.Join(parts[len(parts)-2:], ".")
	}
	return e
}

// number returns the sequence of a message as the number of a delivery.
func number(seq uint64) int64 { return int64(min(seq, math.MaxInt64)) }

// sequence returns the number of a delivery as the sequence of its message.
func sequence(id int64) uint64 { return uint64(max(id, 0)) }
