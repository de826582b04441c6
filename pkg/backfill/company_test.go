package backfill_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// forbidden is a sandbox that forbids requests to some paths.
type forbidden struct {
	box   http.RoundTripper
	paths []string
}

func (f forbidden) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, path := range f.paths {
		if strings.HasPrefix(r.URL.Path, "/v2"+path) {
			return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
		}
	}
	return f.box.RoundTrip(r)
}

// all backfills customers and orders of a sandbox that forbids some paths.
func all(t *testing.T, c backfill.Choice, paths ...string) ([]backfill.Result, error) {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	client, err := tripletex.New(tripletex.Options{
		BaseURL: "http://localhost/v2", Credentials: tokens.Get,
		Transport: forbidden{sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())), paths},
	})
	if err != nil {
		t.Fatal(err)
	}
	return (&backfill.Run{Client: client, Journal: j, Report: true}).All(t.Context(), c)
}

// customersAndOrders is a choice of two kinds.
func customersAndOrders() backfill.Choice {
	customer, _ := tripletex.FindObjectKind("customer")
	order, _ := tripletex.FindObjectKind("order")
	return backfill.Choice{Kinds: []tripletex.ObjectKind{customer, order}}
}

func TestAFailedKindDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	results, err := all(t, customersAndOrders(), "/customer")
	partial, ok := errors.AsType[*backfill.PartialError](err)
	if !ok {
		t.Fatalf("%v is no partial error", err)
	}
	if diff := cmp.Diff([]int{1, 2}, []int{partial.Failed, partial.Kinds}); diff != "" {
		t.Error(diff)
	}
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	if kind := tripletex.KindOf(results[0].Err); kind != tripletex.Forbidden {
		t.Errorf("customers: %v", results[0].Err)
	}
	if results[1].Err != nil {
		t.Errorf("orders: %v", results[1].Err)
	}
}

func TestKindsThatAllFailReturnTheFirstError(t *testing.T) {
	t.Parallel()
	_, err := all(t, customersAndOrders(), "/customer", "/order")
	if _, partial := errors.AsType[*backfill.PartialError](err); partial {
		t.Errorf("%v is partial", err)
	}
	if kind := tripletex.KindOf(err); kind != tripletex.Forbidden {
		t.Errorf("%v", err)
	}
}

func TestAChoiceWithoutSubscriptionsIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := all(t, backfill.Choice{}); !errors.Is(err, backfill.ErrNoSubscription) {
		t.Errorf("%v", err)
	}
}

func TestAJournalIsOwnedOnlyWhereNoOtherProgramOwnsIt(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j, owned, err := backfill.OpenJournal(folder, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if !owned {
		t.Error("a new journal is not owned")
	}
	other, owned, err := backfill.OpenJournal(folder, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if owned {
		t.Error("the journal is owned twice")
	}
}
