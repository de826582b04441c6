package manifest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// entry is one event or pattern of a manifest with its settings.
type entry struct {
	event text
	settings
	number int // of the entry in the file, which may have several events
}

// settings are the keys that entries and defaults share.
type settings struct {
	target     string // without userinfo, query and fragment
	userinfo   Reference
	query      Reference
	fields     string
	status     tripletex.Status
	authHeader string
	authValue  Reference
	hmac       Reference
}

func settingKeys() []string {
	return []string{"target", "targetCredentials", "fields", "status", "authHeader", "hmacSecret"}
}

// entry reads an entry and returns one for each of its events.
func (p *problems) entry(n ast.Node, number int, base settings, folder string) []entry {
	before := len(p.all)
	values, ok := p.mapping(n, "an entry", append([]string{"event", "events"}, settingKeys()...)...)
	if !ok {
		return nil
	}
	misspelt := len(p.all) > before // then no key is reported as missing
	s := p.settings(values, base, folder)
	if s.target == "" && values["target"] == nil && !misspelt {
		p.add(p.of(n), "the entry has no target, and defaults has no target")
	}
	if values["event"] == nil && values["events"] == nil && misspelt {
		return nil
	}
	events := p.events(n, values)
	entries := make([]entry, len(events))
	for i, event := range events {
		if err := tripletex.CheckEvent(event.value); err != nil && !match.IsPattern(event.value) {
			p.add(event.at, "%v", err)
		}
		entries[i] = entry{event, s, number}
	}
	return entries
}

// events reads the event or the events of an entry.
func (p *problems) events(n ast.Node, values keyed) []text {
	one, several := values["event"], values["events"]
	if (one == nil) == (several == nil) {
		p.add(p.of(n), "the entry requires either event or events")
		return nil
	}
	if one != nil {
		event, ok := p.scalar(one, "event")
		if !ok {
			return nil
		}
		return []text{event}
	}
	before := len(p.all)
	events := p.texts(several, "events")
	if len(events) == 0 && len(p.all) == before {
		p.add(p.of(several), "events must not be empty")
	}
	return events
}

// settings reads the settings of an entry or of the defaults over s.
func (p *problems) settings(values keyed, s settings, folder string) settings {
	if n, ok := values["target"]; ok {
		s.target = p.target(n)
	}
	if n, ok := values["targetCredentials"]; ok {
		s.userinfo, s.query = p.credentials(n, folder)
	}
	if n, ok := values["fields"]; ok {
		if t, ok := p.scalar(n, "fields"); ok {
			s.fields = compact(t.value)
		}
	}
	if n, ok := values["status"]; ok {
		s.status = p.status(n)
	}
	if n, ok := values["authHeader"]; ok {
		s.authHeader, s.authValue = p.authHeader(n, folder)
	}
	if n, ok := values["hmacSecret"]; ok {
		s.hmac = p.reference(n, "hmacSecret", folder)
	}
	return s
}

func (p *problems) status(n ast.Node) tripletex.Status {
	t, ok := p.scalar(n, "status")
	if err := checkStatus(tripletex.Status(t.value)); ok && err != nil {
		p.add(t.at, "%v", err)
	}
	return tripletex.Status(t.value)
}

func checkStatus(status tripletex.Status) error {
	if status != tripletex.Active && status != tripletex.Disabled {
		return fmt.Errorf("status must be %s or %s; only Tripletex sets other statuses", tripletex.Active, tripletex.Disabled)
	}
	return nil
}

// target parses a target. Problems do not show it, because an invalid target may contain credentials.
func (p *problems) target(n ast.Node) string {
	t, ok := p.scalar(n, "target")
	if !ok {
		return ""
	}
	if err := checkBare(t.value); err != nil {
		p.add(t.at, "target: %v", err)
		return t.value // not empty, so that it is not reported as missing
	}
	return targeturl.Bare(t.value)
}

var (
	errNotAbsolute = errors.New("must be an absolute URL, such as https://hooks.example.no/tripletex")
	errCredentials = errors.New("must have no user name, password or query, because a manifest contains no secrets; " +
		"reference them with targetCredentials")
)

// checkBare returns an error unless a URL is absolute and without credentials.
func checkBare(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil, !u.IsAbs(), u.Hostname() == "", !slices.Contains([]string{"https", "http"}, u.Scheme):
		return errNotAbsolute
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return errCredentials
	}
	return nil
}

func (p *problems) authHeader(n ast.Node, folder string) (string, Reference) {
	if isNull(n) {
		return "", Reference{}
	}
	values, ok := p.mapping(n, "authHeader", "name", "value")
	if !ok {
		return "", Reference{}
	}
	if values["name"] == nil {
		p.add(p.of(n), "authHeader needs a name, such as Authorization")
		return "", Reference{}
	}
	name, ok := p.scalar(values["name"], "name")
	if ok && name.value == "" {
		p.add(name.at, "authHeader needs a name, such as Authorization")
	}
	if values["value"] == nil {
		return name.value, Reference{}
	}
	return name.value, p.reference(values["value"], "value", folder)
}

func (p *problems) credentials(n ast.Node, folder string) (userinfo, query Reference) {
	if isNull(n) {
		return userinfo, query
	}
	values, _ := p.mapping(n, "targetCredentials", "userinfo", "query")
	if n := values["userinfo"]; n != nil {
		userinfo = p.reference(n, "userinfo", folder)
	}
	if n := values["query"]; n != nil {
		query = p.reference(n, "query", folder)
	}
	return userinfo, query
}

// owns reads the URLs below which pruning is allowed.
func (p *problems) owns(n ast.Node) []string {
	var all []string
	for _, t := range p.texts(n, "owns") {
		switch err := checkBare(t.value); {
		case err != nil:
			p.add(t.at, "owns: %v", err)
		case strings.Contains(t.value, "*"):
			p.add(t.at, "owns: a URL includes everything below it; write it without *")
		default:
			all = append(all, t.value)
		}
	}
	return all
}
