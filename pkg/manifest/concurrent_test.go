package manifest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestConcurrentChangeIsNotOverwritten(t *testing.T) {
	t.Parallel()
	id := func(w *world, event string) tripletex.Subscription {
		for _, s := range w.list(t) {
			if s.Event == event {
				return s
			}
		}
		return tripletex.Subscription{}
	}
	for _, c := range []struct {
		name   string
		moves  func(context.Context, *world, *tripletex.Client) error
		kind   tripletex.Kind
		report string
		notes  int
	}{
		{"updated elsewhere", func(ctx context.Context, w *world, c *tripletex.Client) error {
			_, err := c.UpdateSubscription(ctx, tripletex.SubscriptionUpdate{ID: id(w, "product.create").ID, TargetURL: "https://h.no/?moved"})
			return err
		}, tripletex.Conflict, "update product.create failed\nupdate product.update failed\ndelete customer.create skipped\ndelete " +
			"customer.update skipped\n", 0},
		{"deleted elsewhere, which was to be updated", func(ctx context.Context, w *world, c *tripletex.Client) error {
			return c.DeleteSubscription(ctx, id(w, "product.create").ID)
		}, tripletex.NotFound, "update product.create failed\nupdate product.update failed\ndelete customer.create skipped\ndelete " +
			"customer.update skipped\n", 0},
		{"deleted elsewhere, which was to be deleted", func(ctx context.Context, w *world, c *tripletex.Client) error {
			return c.DeleteSubscription(ctx, id(w, "customer.create").ID)
		}, tripletex.NotFound, "update product.create done\nupdate product.update done\ndelete customer.create done\ndelete " +
			"customer.update failed\n", 0},
		{"created elsewhere, which was to be created", func(ctx context.Context, _ *world, c *tripletex.Client) error {
			_, err := c.CreateSubscriptions(ctx, []tripletex.NewSubscription{fresh("order.update")})
			return err
		}, "", "update product.create done\nupdate product.update done\ndelete customer.create done\ndelete customer.update done\n", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := mixedWorld(t)
			report, err := w.apply(t, mustParse(t, mixed()), prune(), func() {
				if err := c.moves(t.Context(), w, w.other); err != nil {
					t.Error(err)
				}
			})
			if tripletex.KindOf(err) != c.kind {
				t.Errorf("error: %v, want %q", err, c.kind)
			}
			if diff := cmp.Diff("create order.create done\ncreate order.update done\n"+c.report, outcomes(report)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if len(report.Notes) != c.notes {
				t.Errorf("notes: %+v", report.Notes)
			}
		})
	}
}

// A wanted subscription that is deleted elsewhere during apply has a note.
func TestConcurrentDeletionIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(t, fresh("product.create"))
	w.wire.happen = func(_ int, r *http.Request) fate {
		if r.Method == http.MethodPost {
			if err := w.other.DeleteSubscription(t.Context(), w.list(t)[0].ID); err != nil {
				t.Error(err)
			}
		}
		return delivered
	}
	report, err := w.apply(t, mustParse(t, entries("product.create", "order.create")), manifest.Policy{})
	switch {
	case err != nil:
		t.Error(err)
	case outcomes(report) != "create order.create done\n":
		t.Errorf("%v\n%s", err, outcomes(report))
	}
	var notes []string
	for _, n := range report.Notes {
		notes = append(notes, string(n.Kind)+" "+n.Event)
	}
	if diff := cmp.Diff([]string{"moved product.create"}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
