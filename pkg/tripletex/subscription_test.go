package tripletex_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestSubscriptionLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	made, err := w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")})
	if err != nil {
		t.Fatal(err)
	}
	want := tripletex.Subscription{
		ID: made[0].ID, Event: "order.create", TargetURL: wanted("").TargetURL, Status: tripletex.Active, AuthHeaderName: "X-Key",
	}
	if diff := cmp.Diff(want, made[0]); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	fields := "id"
	updated, err := w.UpdateSubscription(t.Context(),
		tripletex.SubscriptionUpdate{ID: made[0].ID, Fields: &fields, Status: tripletex.Disabled})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Version != 1 {
		t.Errorf("updated.Version = %v, want 1", updated.Version)
	}
	if updated.Fields != "id" {
		t.Errorf("updated.Fields = %q, want %q", updated.Fields, "id")
	}
	if updated.Status != tripletex.Disabled {
		t.Errorf("updated.Status = %v, want %v", updated.Status, tripletex.Disabled)
	}
	shown, err := w.Subscription(t.Context(), made[0].ID)
	switch {
	case err != nil:
		t.Error(err)
	case len(shown.Changes) != 2:
		t.Errorf("len(shown.Changes) = %v, want 2", len(shown.Changes))
	case shown.Changes[1].ChangeType != "UPDATE":
		t.Errorf("shown.Changes[1].ChangeType = %q, want %q", shown.Changes[1].ChangeType, "UPDATE")
	}
	if err := w.DeleteSubscription(t.Context(), made[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Subscription(t.Context(), made[0].ID); tripletex.KindOf(err) != tripletex.NotFound {
		t.Errorf("after delete: %v, want not found", err)
	}
	if err := w.DeleteSubscription(t.Context(), made[0].ID); tripletex.KindOf(err) != tripletex.NotFound {
		t.Errorf("second delete: %v, want not found", err)
	}
}

func TestCreatedFieldsAreThoseOfTheSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	n := wanted("order.create")
	n.Fields = "id,customer(name)"
	made, err := w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{n})
	if err != nil {
		t.Fatal(err)
	}
	if made[0].Fields != n.Fields {
		t.Errorf("created with the fields %q, want %q", made[0].Fields, n.Fields)
	}
}

func TestBulkCallsAreOneRequestEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	events, err := w.Events(t.Context())
	if err != nil {
		t.Fatalf("events: %v", err)
	}
	if len(events) < 30 {
		t.Fatalf("events: len(events) = %v, want at least 30", len(events))
	}
	var all []tripletex.NewSubscription
	for _, e := range events[:30] {
		all = append(all, wanted(e.Name))
	}
	made, err := w.CreateSubscriptions(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != 30 {
		t.Fatalf("len(made) = %v, want 30", len(made))
	}
	var updates []tripletex.SubscriptionUpdate
	var ids []int64
	for _, s := range made {
		updates = append(updates, tripletex.SubscriptionUpdate{ID: s.ID, Version: s.Version, Status: tripletex.Disabled})
		ids = append(ids, s.ID)
	}
	updated, err := w.UpdateSubscriptions(t.Context(), updates)
	if err != nil {
		t.Fatal(err)
	}
	if len(updated) != 30 {
		t.Fatalf("len(updated) = %v, want 30", len(updated))
	}
	if updated[29].Status != tripletex.Disabled {
		t.Fatalf("updated[29].Status = %v, want %v", updated[29].Status, tripletex.Disabled)
	}
	if _, err := w.UpdateSubscriptions(t.Context(), updates); tripletex.KindOf(err) != tripletex.Conflict {
		t.Errorf("update with old versions: %v, want a conflict", err)
	}
	if err := w.DeleteSubscriptions(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]int{"GET /event": 1, "POST /token": 1, "POST /event": 1, "PUT /event": 2, "DELETE /event": 1} {
		if got := w.wire.count(prefix); got != want {
			t.Errorf("%s: %d requests, want %d: %q", prefix, got, want, w.wire.lines)
		}
	}
}

func TestListRequestsOnePagePerThousand(t *testing.T) {
	t.Parallel()
	for count, requests := range map[int]int{0: 1, 1: 1, 999: 1, 1001: 2, 2500: 3} {
		w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = count }, employee())
		all, err := collect(w.Client, t)
		switch {
		case err != nil:
			t.Errorf("%d: %v", count, err)
		case len(all) != count:
			t.Errorf("%d: len(all) = %v, want %v", count, len(all), count)
		}
		if got := w.wire.count("GET /event/subscription"); got != requests {
			t.Errorf("%d: %d requests, want %d", count, got, requests)
		}
	}
}

func TestListStopsWithTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 2500 }, employee())
	for _, err := range w.Subscriptions(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if got := w.wire.count("GET /event/subscription"); got != 1 {
		t.Errorf("%d requests after a break on the first item, want 1", got)
	}
}

func TestSnapshotReadsOnlyChangedPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 1500 }, employee())
	first, changed, err := w.Snapshot(t.Context(), nil)
	if err != nil {
		t.Fatalf("first: %v", err)
	}
	if !changed {
		t.Fatal("first: changed = false, want true")
	}
	if len(first.Subscriptions) != 1500 {
		t.Fatalf("first: len(first.Subscriptions) = %v, want 1500", len(first.Subscriptions))
	}
	second, changed, err := w.Snapshot(t.Context(), first)
	if err != nil {
		t.Fatalf("second: %v", err)
	}
	if changed {
		t.Fatal("second: changed = true, want false")
	}
	if diff := cmp.Diff(first.Subscriptions, second.Subscriptions); diff != "" {
		t.Errorf("unchanged list differs:\n%s", diff)
	}
	last := first.Subscriptions[1499]
	if _, err := w.UpdateSubscription(t.Context(), tripletex.SubscriptionUpdate{ID: last.ID, Status: tripletex.Disabled}); err != nil {
		t.Fatal(err)
	}
	third, changed, err := w.Snapshot(t.Context(), second)
	switch {
	case err != nil:
		t.Errorf("third: %v", err)
	case !changed:
		t.Error("third: changed = false, want true")
	case third.Subscriptions[1499].Status != tripletex.Disabled:
		t.Errorf("third: third.Subscriptions[1499].Status = %v, want %v", third.Subscriptions[1499].Status, tripletex.Disabled)
	}
}

func TestSnapshotReadsAPageThatWasAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 999 }, employee())
	before, _, err := w.Snapshot(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create"), wanted("order.update")}); err != nil {
		t.Fatal(err)
	}
	after, changed, err := w.Snapshot(t.Context(), before)
	switch {
	case err != nil:
		t.Error(err)
	case !changed:
		t.Error("changed = false, want true")
	case len(after.Subscriptions) != 1001:
		t.Errorf("len(after.Subscriptions) = %d, want 1001", len(after.Subscriptions))
	}
}

// A repeated page is detected at its second occurrence.
func TestSnapshotDetectsRepeatedPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	w.fault(t, sandbox.Fault{Kind: "endless"})
	_, _, err := w.Snapshot(t.Context(), nil)
	switch got := w.wire.count("GET /event/subscription"); {
	case tripletex.KindOf(err) != tripletex.Foreign:
		t.Errorf("%v after %d requests; want a foreign answer after 2", err, got)
	case got != 2:
		t.Errorf("got = %v, want 2", got)
	}
}

func TestListErrorNamesThePage(t *testing.T) {
	t.Parallel()
	for pages, want := range map[int]string{0: "list subscriptions: ", 2: "list subscriptions, page 3: "} {
		w := newWorld(t, func(o *sandbox.Options) { o.Subscriptions = 2500 }, employee())
		w.fault(t, sandbox.Fault{Kind: "html", Path: "/event/subscription", After: pages})
		_, _, err := w.Snapshot(t.Context(), nil)
		switch {
		case err == nil:
			t.Errorf("no error after %d pages", pages)
		case !strings.HasPrefix(err.Error(), want):
			t.Errorf("err.Error() = %q, want it to begin with %q", err.Error(), want)
		}
	}
}

func TestCompanySeesItsOwnSubscriptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	var companies []tripletex.Company
	for c, err := range w.Companies(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		companies = append(companies, c)
	}
	if len(companies) != 3 {
		t.Fatalf("len(companies) = %v, want 3", len(companies))
	}
	if companies[0].Name != "Fjellheim Bygg AS" {
		t.Fatalf("companies[0].Name = %q, want %q", companies[0].Name, "Fjellheim Bygg AS")
	}
	client := w.ForCompany(companies[1].ID)
	if _, err := client.CreateSubscriptions(t.Context(), []tripletex.NewSubscription{wanted("order.create")}); err != nil {
		t.Fatal(err)
	}
	if got := w.wire.auth[len(w.wire.auth)-1]; got != "2002" {
		t.Errorf("Basic user = %q, want the company", got)
	}
	for company, want := range map[int64]int{0: 0, companies[0].ID: 0, companies[1].ID: 1} {
		all, err := collect(w.ForCompany(company), t)
		switch {
		case err != nil:
			t.Error(err)
		case len(all) != want:
			t.Errorf("company %d has %d subscriptions, %v; want %d", company, len(all), err, want)
		}
	}
}

func TestCheckRejectsInvalidContent(t *testing.T) {
	t.Parallel()
	good := wanted("order.create")
	change := func(f func(*tripletex.NewSubscription)) tripletex.NewSubscription {
		n := good
		f(&n)
		return n
	}
	target := func(u string) tripletex.NewSubscription {
		return change(func(n *tripletex.NewSubscription) { n.TargetURL = u })
	}
	for name, test := range map[string]struct {
		n    tripletex.NewSubscription
		want string // part of the error; empty for none
	}{
		"good":               {good, ""},
		"event without verb": {change(func(n *tripletex.NewSubscription) { n.Event = "order" }), "object.verb"},
		"event with blank":   {change(func(n *tripletex.NewSubscription) { n.Event = "order. create" }), "object.verb"},
		"event too long":     {change(func(n *tripletex.NewSubscription) { n.Event = "a." + strings.Repeat("b", 254) }), "object.verb"},
		"http":               {target("http://h.example.no/"), "https://"},
		"http on loopback":   {target("http://127.0.0.1:3000/"), ""},
		"relative":           {target("/hook"), "absolute"},
		"no host":            {target("https:///x"), "absolute"},
		"other scheme":       {target("javascript:alert(1)"), "absolute"},
		"ftp":                {target("ftp://h.example.no/"), `not "ftp:"`},
		"empty label":        {target("https://a..b/"), "not a valid name"},
		"dot first":          {target("https://.example.no/"), "not a valid name"},
		"dot alone":          {target("https://./"), "not a valid name"},
		"hyphen first":       {target("https://-h.example.no/"), "not a valid name"},
		"long label":         {target("https://" + strings.Repeat("x", 64) + ".no/"), "not a valid name"},
		"long name":          {target("https://" + strings.Repeat("abc.", 63) + "no/"), "not a valid name"},
		"port 0":             {target("https://h.example.no:0/"), "port 0"},
		"port 99999":         {target("https://h.example.no:99999/"), "port 99999"},
		"broken":             {target("https://h.example.no/%zz"), "not a URL"},
		"blank":              {target("https://h example.no/"), "not a URL"},
		"target too long":    {target("https://h.example.no/" + strings.Repeat("x", 65535)), "at most 65535"},
		"fields of a blank":  {change(func(n *tripletex.NewSubscription) { n.Fields = " " }), "fields: is blank"},
		"fields of blanks":   {change(func(n *tripletex.NewSubscription) { n.Fields = " \u00a0\u2003" }), "fields: is blank"},
		"fields of 255":      {change(func(n *tripletex.NewSubscription) { n.Fields = strings.Repeat("ø", 255) }), ""},
		"fields of 256":      {change(func(n *tripletex.NewSubscription) { n.Fields = strings.Repeat("ø", 256) }), "256 characters"},
		"secret of 9":        {change(func(n *tripletex.NewSubscription) { n.HMACSharedSecret = "123456789" }), "9 characters"},
		"secret of 10":       {change(func(n *tripletex.NewSubscription) { n.HMACSharedSecret = "1234567890" }), ""},
		"secret of 101": {
			change(func(n *tripletex.NewSubscription) { n.HMACSharedSecret = "1" + n.HMACSharedSecret[:0] + secretOf(100) }),
			"101 characters",
		},
		"event of 255":        {change(func(n *tripletex.NewSubscription) { n.Event = "a." + strings.Repeat("ø", 253) }), ""},
		"port 65535":          {target("https://h.example.no:65535/"), ""},
		"port 65536":          {target("https://h.example.no:65536/"), "port 65536"},
		"port of six digits":  {target("https://h.example.no:012345/"), "port 012345"},
		"target of 65535":     {target("https://h.example.no/" + strings.Repeat("ø", 65535-21)), ""},
		"no secret":           {change(func(n *tripletex.NewSubscription) { n.HMACSharedSecret = "" }), ""},
		"secret of 100":       {change(func(n *tripletex.NewSubscription) { n.HMACSharedSecret = secretOf(100) }), ""},
		"value of 4096":       {change(func(n *tripletex.NewSubscription) { n.AuthHeaderValue = "ø" + secretOf(4095) }), ""},
		"value of 4097":       {change(func(n *tripletex.NewSubscription) { n.AuthHeaderValue = secretOf(4097) }), "at most 4096"},
		"name of 255":         {change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = strings.Repeat("x", 255) }), ""},
		"name of 256":         {change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = strings.Repeat("x", 256) }), "at most 255"},
		"name with umlaut":    {change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = "X-Schlüssel" }), "must be a header name"},
		"header without name": {change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = "" }), "go together"},
		"name without value":  {change(func(n *tripletex.NewSubscription) { n.AuthHeaderValue = "" }), "go together"},
		"fields in Latin-1":   {change(func(n *tripletex.NewSubscription) { n.Fields = "bl\xe5" }), "fields: is not valid UTF-8"},
		"fields with escape":  {change(func(n *tripletex.NewSubscription) { n.Fields = "id\x1b" }), "fields: contains a control character"},
		"secret in Latin-1": {
			change(func(n *tripletex.NewSubscription) { n.HMACSharedSecret = "bl\xe5b\xe6rcanary" }),
			"HMAC secret: is not valid UTF-8",
		},
		"value in Latin-1": {
			change(func(n *tripletex.NewSubscription) { n.AuthHeaderValue = "canary\xe5" }),
			"auth header value: is not valid UTF-8",
		},
		"target in Latin-1":   {target("https://h.example.no/bl\xe5"), "target: is not valid UTF-8"},
		"target with C1":      {target("https://h.example.no/\u0085"), "target: contains a control character"},
		"target with a blank": {target("https://h.example.no/ "), "begins or ends with a blank"},
		"event in Latin-1":    {change(func(n *tripletex.NewSubscription) { n.Event = "order.\xe5" }), "object.verb"},
		"name with colon":     {change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = "X: Y" }), "header name"},
		"name Host":           {change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = "host" }), "host is already a header"},
		"name of the key": {
			change(func(n *tripletex.NewSubscription) { n.AuthHeaderName = "idempotency-key" }),
			"idempotency-key is already a header",
		},
		"value of two lines": {change(func(n *tripletex.NewSubscription) { n.AuthHeaderValue = "a\r\nX-Evil: 1" }), "more than one line"},
	} {
		err := test.n.Check(tripletex.HTTPOnLoopback)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%s: %v shows a secret", name, err)
		}
	}
	for _, address := range []string{"http://127.0.0.1:3000/", "http://h.example.no/"} {
		if err := target(address).Check(tripletex.HTTPSOnly); err == nil || !strings.Contains(err.Error(), "must begin with https://") {
			t.Errorf("%s for an API without http targets: %v", address, err)
		}
		if err := target(address).Check(tripletex.AnyHTTP); err != nil {
			t.Errorf("%s for a sandbox: %v", address, err)
		}
	}
}
