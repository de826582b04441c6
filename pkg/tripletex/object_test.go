package tripletex_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// lists is an API whose test answers each list query.
type lists struct {
	answer func(query url.Values) (status int, ids []int64)
	header http.Header

	mu       sync.Mutex
	requests []string
}

func (l *lists) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, query.Encode()+" "+r.Header.Get("If-None-Match"))
	status, ids := l.answer(query)
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = fmt.Sprintf(`{"id":%d,"version":3}`, id)
	}
	body := `{"versionDigest":"digest","values":[` + strings.Join(values, ",") + `]}`
	if status == http.StatusUnprocessableEntity {
		body = `{"status":422,"code":23000,"message":"Result set too large"}`
	}
	header := http.Header{"Content-Type": {"application/json"}}
	maps.Copy(header, l.header)
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// page returns the IDs of one page.
func page(query url.Values, all []int64) (int, []int64) {
	from, _ := strconv.Atoi(query.Get("from"))
	count, _ := strconv.Atoi(query.Get("count"))
	from = min(from, len(all))
	return http.StatusOK, all[from:min(from+count, len(all))]
}

func upTo(n int64) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i) + 1
	}
	return all
}

// listed returns the IDs that a client lists, and the error.
func listed(ctx context.Context, t rapid.TB, api http.RoundTripper, kind string, o tripletex.ObjectList) (ids []int64, err error) {
	t.Helper()
	client, err := tripletex.New(tripletex.Options{
		BaseURL:   baseURL,
		Transport: api, Credentials: tripletex.Credentials{SessionToken: "x"}.Get,
	})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := tripletex.FindObjectKind(kind)
	for p, err := range client.ObjectPages(ctx, k, o) {
		if err != nil {
			return ids, err
		}
		for _, o := range p.Objects {
			ids = append(ids, o.ID)
		}
		if p.Fresh != len(p.Objects) && !p.Same {
			t.Errorf("%d fresh of %d", p.Fresh, len(p.Objects))
		}
		if p.Fresh == 0 {
			t.Error("a page without a new object")
		}
	}
	return ids, nil
}

func same(got, want []int64) bool { return fmt.Sprint(got) == fmt.Sprint(want) }

func TestEveryObjectIsListedOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 999, 1000, 1001, 1999, 2000, 2500} {
		api := &lists{answer: func(q url.Values) (int, []int64) { return page(q, upTo(n)) }}
		switch got, err := listed(t.Context(), t, api, "product", tripletex.ObjectList{}); {
		case err != nil:
			t.Error(err)
		case !same(got, upTo(n)):
			t.Errorf("of %d objects %d were listed, %v", n, len(got), err)
		}
	}
}

// Lists of customers and suppliers omit inactive ones unless they are requested.
func TestInactiveObjectsAreListedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	emit := func(event string) {
		if _, err := sandbox.NewDeliverer(w.store, nil).Emit(t.Context(), sandbox.Emission{Event: event, Count: 1}); err != nil {
			t.Fatal(err)
		}
	}
	emit("customer.create")
	api := &lists{answer: func(q url.Values) (int, []int64) {
		if q.Get("isInactive") == "true" {
			return http.StatusOK, []int64{1}
		}
		return http.StatusOK, []int64{2}
	}}
	switch got, err := listed(t.Context(), t, api, "customer", tripletex.ObjectList{}); {
	case err != nil:
		t.Error(err)
	case !same(got, []int64{2, 1}):
		t.Errorf("%v %v", got, err)
	}
	k, _ := tripletex.FindObjectKind("customer")
	for p, err := range w.ObjectPages(t.Context(), k, tripletex.ObjectList{ChangedSince: time.Now().Add(time.Hour)}) {
		t.Errorf("changed in an hour: %+v %v", p, err)
	}
}

func day(text string) time.Time {
	at, _ := time.Parse(time.DateOnly, text)
	return at
}

// A list that is too long is split into shorter date ranges without gaps.
func TestLongListIsSplitByDate(t *testing.T) {
	t.Parallel()
	first := day("2026-01-01")
	api := &lists{answer: func(q url.Values) (int, []int64) {
		from, to := day(q.Get("dateFrom")), day(q.Get("dateTo"))
		if to.Sub(from) > 100*24*time.Hour {
			return http.StatusUnprocessableEntity, nil
		}
		var days []int64
		for ; from.Before(to); from = from.AddDate(0, 0, 1) {
			days = append(days, int64(from.Sub(first).Hours()/24)+1)
		}
		return http.StatusOK, days
	}}
	got, err := listed(t.Context(), t, api, "voucher", tripletex.ObjectList{From: first, To: day("2027-01-01")})
	switch {
	case err != nil:
		t.Error(err)
	case !same(got, upTo(365)):
		t.Errorf("%d days, %v", len(got), err)
	}
	never := &lists{answer: func(url.Values) (int, []int64) { return http.StatusUnprocessableEntity, nil }}
	if _, err := listed(t.Context(), t, never, "voucher", tripletex.ObjectList{From: first, To: day("2026-01-02")}); err == nil {
		t.Error("no error of a day that is too long")
	}
	if len(never.requests) != 1 {
		t.Errorf("a day was split: %q", never.requests)
	}
	var refused *tripletex.Error
	for kind, o := range map[string]tripletex.ObjectList{"voucher": {From: first, To: day("2026-01-09")}, "product": {}} {
		switch _, err := listed(t.Context(), t, never, kind, o); {
		case !errors.As(err, &refused):
			t.Errorf("%s: %v", kind, err)
		case refused.Code != 23000:
			t.Errorf("%s: refused.Code = %v, want 23000", kind, refused.Code)
		}
	}
}

// Unchanged pages overlap by one object, which is counted once.
func TestObjectsOfUnchangedPagesAreCountedOnce(t *testing.T) {
	t.Parallel()
	kept := false
	api := &lists{answer: func(q url.Values) (int, []int64) {
		status, ids := page(q, upTo(2500))
		if kept {
			return http.StatusNotModified, nil
		}
		return status, ids
	}}
	client, err := tripletex.New(tripletex.Options{
		BaseURL: baseURL, Transport: api, Credentials: tripletex.Credentials{SessionToken: "x"}.Get,
	})
	if err != nil {
		t.Fatal(err)
	}
	product, _ := tripletex.FindObjectKind("product")
	marks := map[string]tripletex.PageMark{}
	count := func() (fresh int) {
		before := maps.Clone(marks)
		o := tripletex.ObjectList{Kept: func(name string) tripletex.PageMark { return before[name] }}
		for p, err := range client.ObjectPages(t.Context(), product, o) {
			if err != nil {
				t.Fatal(err)
			}
			marks[p.Name] = p.Mark
			fresh += p.Fresh
		}
		return fresh
	}
	for _, kept = range []bool{false, true} {
		if got := count(); got != 2500 {
			t.Errorf("kept %v: %d objects, want 2500", kept, got)
		}
	}
}

// An unchanged page is answered with 304 and counts its objects.
func TestUnchangedPageHasNoBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	if _, err := sandbox.NewDeliverer(w.store, nil).Emit(t.Context(), sandbox.Emission{Event: "product.create", Count: 3}); err != nil {
		t.Fatal(err)
	}
	k, _ := tripletex.FindObjectKind("product")
	marks := map[string]tripletex.PageMark{}
	look := func() (last tripletex.ObjectPage) {
		before := maps.Clone(marks)
		o := tripletex.ObjectList{Kept: func(name string) tripletex.PageMark { return before[name] }}
		for p, err := range w.ObjectPages(t.Context(), k, o) {
			if err != nil {
				t.Fatal(err)
			}
			marks[p.Name], last = p.Mark, p
		}
		return last
	}
	first, second := look(), look()
	switch {
	case first.Same:
		t.Error("first.Same = true, want false")
	case len(first.Objects) != 3:
		t.Errorf("len(first.Objects) = %v, want 3", len(first.Objects))
	case !second.Same:
		t.Error("second.Same = false, want true")
	case second.Objects != nil:
		t.Errorf("second.Objects = %v, want nil", second.Objects)
	case second.Fresh != 3:
		t.Errorf("second.Fresh = %v, want 3", second.Fresh)
	case second.Mark != first.Mark:
		t.Errorf("second.Mark = %v, want %v", second.Mark, first.Mark)
	}
	if _, err := sandbox.NewDeliverer(w.store, nil).Emit(t.Context(), sandbox.Emission{Event: "product.update", Count: 1}); err != nil {
		t.Fatal(err)
	}
	switch third := look(); {
	case third.Same:
		t.Error("third.Same = true, want false")
	case third.Objects[2].Version != 1:
		t.Errorf("third.Objects[2].Version = %v, want 1", third.Objects[2].Version)
	}
}

// Values are filtered like a delivery, and always have id and version.
func TestValuesAlwaysHaveIDAndVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, employee())
	if _, err := sandbox.NewDeliverer(w.store, nil).Emit(t.Context(), sandbox.Emission{Event: "order.create", Count: 1}); err != nil {
		t.Fatal(err)
	}
	k, _ := tripletex.FindObjectKind("ORDER")
	all := tripletex.ObjectList{From: day("2000-01-01"), To: day("2100-01-01")}
	for fields, want := range map[string]string{
		"number":                       `{"number":"2001","id":%d,"version":0}`,
		"version,customer(id,version)": `{"version":0,"customer":{"id":301,"version":null},"id":%d}`,
		"id,version":                   `{"id":%d,"version":0}`,
	} {
		for p, err := range w.ObjectPages(t.Context(), k, all) {
			if err != nil {
				t.Fatal(err)
			}
			values, err := w.ObjectValues(t.Context(), p, fields)
			one, errOne := w.Object(t.Context(), k, p.Objects[0].ID, fields)
			want := fmt.Sprintf(want, p.Objects[0].ID)
			switch {
			case err != nil:
				t.Errorf("%s: %v", fields, err)
			case errOne != nil:
				t.Errorf("%s: %v", fields, errOne)
			case string(values[0].Value) != want:
				t.Errorf("%s: values[0].Value = %v, want %v", fields, string(values[0].Value), want)
			case string(one.Value) != want:
				t.Errorf("%s: one.Value = %v, want %v", fields, string(one.Value), want)
			case values[0].Object != p.Objects[0]:
				t.Errorf("%s: values[0].Object = %v, want %v", fields, values[0].Object, p.Objects[0])
			}
		}
	}
	if _, err := w.Object(t.Context(), k, 1, ""); tripletex.KindOf(err) != tripletex.NotFound {
		t.Error(err)
	}
	var whole map[string]any
	for p, err := range w.ObjectPages(t.Context(), k, all) {
		if err != nil {
			t.Fatal(err)
		}
		values, err := w.ObjectValues(t.Context(), p, "")
		switch {
		case err != nil:
			t.Error(err)
		case json.Unmarshal(values[0].Value, &whole) != nil:
			t.Errorf("%v %v", whole, err)
		case len(whole) != 8:
			t.Errorf("len(whole) = %v, want 8", len(whole))
		}
	}
}

// A list waits for the next period while less than a tenth of the rate limit is left.
func TestListKeepsTheRateLimitReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &lists{header: http.Header{"X-Rate-Limit-Limit": {"100"}, "X-Rate-Limit-Remaining": {"9"}, "X-Rate-Limit-Reset": {"7"}}}
		api.answer = func(q url.Values) (int, []int64) { return page(q, upTo(1500)) }
		start := time.Now()
		switch _, err := listed(t.Context(), t, api, "product", tripletex.ObjectList{}); {
		case err != nil:
			t.Error(err)
		case time.Since(start) != 7*time.Second:
			t.Errorf("time.Since(start) = %v, want %v", time.Since(start), 7*time.Second)
		}
		limited, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := listed(limited, t, api, "product", tripletex.ObjectList{}); tripletex.KindOf(err) != tripletex.Timeout {
			t.Error(err)
		}
	})
}

func TestObjectKindsAreFoundByNameWithoutCase(t *testing.T) {
	t.Parallel()
	for _, kind := range tripletex.ObjectKinds() {
		got, ok := tripletex.FindObjectKind(strings.ToUpper(kind.Name))
		if !ok {
			t.Errorf("%s is not found", kind.Name)
		}
		if got.Name != kind.Name {
			t.Errorf("%s: found %q", kind.Name, got.Name)
		}
	}
	if got, ok := tripletex.FindObjectKind("nonsense"); ok {
		t.Errorf("found %q", got.Name)
	}
}
