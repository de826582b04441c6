package manifest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// SchemaURL is the address of the schema, for editors.
const SchemaURL = "https://raw.githubusercontent.com/tlxhook/tlxhook/main/docs/schema/manifest.schema.json"

const exportHead = `# yaml-language-server: $schema=` + SchemaURL + `
# Tripletex webhook subscriptions. Keep this file in git; tlxhook diff -f FILE
# shows where Tripletex differs from it, and tlxhook apply -f FILE changes that.
version: 1
`

const exportOwns = `
# apply --prune may delete only subscriptions to targets below these URLs:
# owns: [%s]
`

const exportHMAC = `
# The API does not return secrets. Secrets without a reference in this file are
# not managed. Reference the secret that signs deliveries in an entry, or here
# for all entries:
# defaults:
#   hmacSecret: {env: HOOK_HMAC_SECRET}
`

// YAML returns the document as a file. It quotes foreign text, so that a YAML parser reads it as text.
func (d Document) YAML() []byte { return []byte(exportHead + d.body()) }

// ExportYAML returns the documents of several companies as one file. Equal documents are written once; those without
// subscriptions are omitted.
func ExportYAML(companies []Company, documents []Document) []byte {
	var bodies []string
	sharing := map[string][]Company{}
	for i, d := range documents {
		body := d.body()
		if len(d.Subscriptions)+len(d.omitted) == 0 {
			continue
		}
		if sharing[body] == nil {
			bodies = append(bodies, body)
		}
		sharing[body] = append(sharing[body], companies[i])
	}
	var out strings.Builder
	for i, body := range bodies {
		if i > 0 {
			out.WriteString("---\n")
		}
		out.WriteString(exportHead)
		writeCompanies(&out, sharing[body])
		out.WriteString(body)
	}
	if len(bodies) == 0 {
		out.WriteString(exportHead + "\ncompanies: {all: true}\n\nsubscriptions: []\n")
	}
	return []byte(out.String())
}

func writeCompanies(out *strings.Builder, all []Company) {
	out.WriteString("\ncompanies:\n  ids:\n")
	for _, c := range all {
		fmt.Fprintf(out, "    - %d # %s\n", c.ID, strconv.Quote(c.Name))
	}
}

// body returns a document without its head.
func (d Document) body() string {
	var out strings.Builder
	if hosts := d.addresses(); len(hosts) > 0 {
		fmt.Fprintf(&out, exportOwns, strings.Join(hosts, ", "))
		out.WriteString(exportHMAC)
	}
	if len(d.Subscriptions) == 0 {
		out.WriteString("\nsubscriptions: []\n")
	} else {
		out.WriteString("\nsubscriptions:\n")
	}
	names := suggestions{}
	for _, e := range d.Subscriptions {
		e.write(&out, names)
	}
	for _, s := range d.omitted {
		fmt.Fprintf(&out, "# Omitted: %d, because a manifest cannot contain its event %s or its target.\n", s.ID, strconv.Quote(s.Event))
	}
	return out.String()
}

// addresses returns the scheme and host of every target, in order.
func (d Document) addresses() []string {
	var all []string
	seen := map[string]bool{}
	for _, e := range d.Subscriptions {
		u, err := url.Parse(e.Target)
		if err != nil || seen[u.Scheme+u.Host] {
			continue
		}
		seen[u.Scheme+u.Host] = true
		all = append(all, strconv.Quote(u.Scheme+"://"+u.Host+"/"))
	}
	return all
}

// write writes one entry.
func (e DocumentEntry) write(out *strings.Builder, names suggestions) {
	writeEvents(out, e.Events)
	line := func(format string, args ...any) { fmt.Fprintf(out, "    "+format+"\n", args...) }
	line("target: %s", strconv.Quote(e.Target))
	if places := e.credentials(names); len(places) > 0 {
		line("# The target has credentials. To manage them, add a reference:")
		line("# targetCredentials: {%s}", strings.Join(places, ", "))
	}
	if e.Fields != "" {
		line("fields: %s", strconv.Quote(e.Fields))
	}
	if e.Status != "" {
		if e.sample.Status != tripletex.Disabled {
			line("# Status in Tripletex: %s. Without the next line, apply enables the subscription.", strconv.Quote(string(e.sample.Status)))
		}
		line("status: %s", e.Status)
	}
	if e.AuthHeader != nil {
		line("# To manage the value of the header, add a reference: value: {env: %s}", names.next("HOOK_AUTH"))
		line("authHeader: {name: %s}", strconv.Quote(e.AuthHeader.Name))
	}
	for _, s := range e.duplicates {
		line("# Duplicate for %s: %d.", strconv.Quote(s.Event), s.ID)
	}
}

// credentials suggests references for the credentials of the target.
func (e DocumentEntry) credentials(names suggestions) []string {
	u, err := url.Parse(e.sample.TargetURL)
	if err != nil {
		return nil
	}
	var places []string
	if u.User != nil {
		places = append(places, "userinfo: {env: "+names.next("HOOK_USERINFO")+"}")
	}
	if u.RawQuery != "" {
		places = append(places, "query: {env: "+names.next("HOOK_QUERY")+"}")
	}
	return places
}

func writeEvents(out *strings.Builder, events []string) {
	quoted := make([]string, len(events))
	for i, event := range events {
		quoted[i] = strconv.Quote(event)
	}
	flow := strings.Join(quoted, ", ")
	switch {
	case len(quoted) == 1:
		fmt.Fprintf(out, "  - event: %s\n", flow)
	case len(flow) <= 66:
		fmt.Fprintf(out, "  - events: [%s]\n", flow)
	default:
		fmt.Fprintf(out, "  - events:\n      - %s\n", strings.Join(quoted, "\n      - "))
	}
}

// suggestions counts the suggested names of variables, to make them unique.
type suggestions map[string]int

func (s suggestions) next(name string) string {
	s[name]++
	if s[name] == 1 {
		return name
	}
	return name + "_" + strconv.Itoa(s[name])
}
