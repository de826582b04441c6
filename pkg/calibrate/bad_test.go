package calibrate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// via is a transport that a test replaces.
type via func(*http.Request) (*http.Response, error)

func (f via) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A run that is interrupted before or after any request, or whose connection breaks at any request, leaves nothing.
func TestInterruptedRunCleansUp(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"before", "interrupted", "broken"} {
		for after := 1; after <= calibrate.MaxRequests; after++ {
			t.Run(fmt.Sprint(how, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, sandbox.Switches{})
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					box, sent := w.options.Transport, 0
					w.options.Transport = via(func(r *http.Request) (*http.Response, error) {
						if sent++; sent == after && how == "before" {
							cancel(errors.New("interrupted"))
						}
						response, err := box.RoundTrip(r)
						if sent != after || err != nil {
							return response, err
						}
						if how != "broken" {
							cancel(errors.New("interrupted"))
							if r.Method != http.MethodGet && r.Context().Err() != nil {
								t.Errorf("a %s was canceled, its result is unknown", r.Method)
							}
							return response, nil
						}
						_ = response.Body.Close() // the request was processed, its answer is lost
						return nil, errors.New("connection reset")
					})
					report, err := calibrate.Run(ctx, w.options)
					switch {
					case ctx.Err() != nil && report == nil && err == nil:
						t.Error("an interrupted run has no error")
					case errors.Is(err, calibrate.ErrCleanup) && how != "broken":
						t.Error(err)
					}
					if errors.Is(err, calibrate.ErrCleanup) {
						w.options.Transport = box // the connection broke during the cleanup: the next run removes the rest
						if _, err := calibrate.Run(t.Context(), w.options); err != nil {
							t.Error(err)
						}
					}
					if n := w.left(t); n != 0 {
						t.Errorf("%d subscriptions and objects remain", n)
					}
				})
			})
		}
	}
}

// A run that is killed at any request cannot clean up. The next one does, also without permission to create customers, and
// touches nothing else.
func TestNextRunRemovesLeftovers(t *testing.T) {
	t.Parallel()
	for killed := 1; killed <= calibrate.MaxRequests; killed++ {
		t.Run(strconv.Itoa(killed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Switches{})
				w.own(t)
				box, sent := w.options.Transport, 0
				w.options.Transport = via(func(r *http.Request) (*http.Response, error) {
					if sent++; sent > killed {
						return nil, errors.New("killed")
					}
					return box.RoundTrip(r)
				})
				_, err := calibrate.Run(t.Context(), w.options)
				switch n := w.left(t); {
				case n > 2 && !errors.Is(err, calibrate.ErrCleanup):
					t.Errorf("%d subscriptions and objects remain, the error is %v", n, err)
				case killed == 50 && n < 4:
					t.Errorf("%d subscriptions and objects remain, want some", n)
				}
				w.options.Transport, w.options.Deliveries, w.options.Second = box, nil, nil
				if _, err := calibrate.Run(t.Context(), w.options); err != nil {
					t.Error(err)
				}
				if n := w.left(t); n != 2 {
					t.Errorf("%d subscriptions and objects remain, want the 2 of the user", n)
				}
			})
		})
	}
}

// What a run cannot delete is named in its error.
func TestLeftoversAreNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Switches{})
		box := w.options.Transport
		var refused []string
		w.options.Transport = via(func(r *http.Request) (*http.Response, error) {
			path := strings.TrimPrefix(r.URL.Path, "/v2")
			if r.Method != http.MethodDelete || strings.HasPrefix(path, "/token") {
				return box.RoundTrip(r)
			}
			refused = append(refused, path[strings.LastIndex(path, "/")+1:])
			recorder := httptest.NewRecorder()
			recorder.WriteHeader(http.StatusForbidden)
			return recorder.Result(), nil
		})
		report, err := calibrate.Run(t.Context(), w.options)
		if !errors.Is(err, calibrate.ErrCleanup) {
			t.Fatalf("err = %v, want ErrCleanup", err)
		}
		if report == nil {
			t.Error("there is no report beside the error")
		}
		n := w.left(t)
		if n != len(refused) {
			t.Errorf("%d subscriptions and objects remain, %d are refused", n, len(refused))
		}
		if n < 10 {
			t.Errorf("%d subscriptions and objects remain, want at least 10", n)
		}
		for _, want := range append(refused, "subscription ", "customer ", "/tlxhook-calibrate/", `"tlxhook calibrate"`) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error has no %s: %v", want, err)
			}
		}
	})
}

// A login that cannot see customers calibrates without deliveries.
func TestCustomersAreNotNeeded(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"forbidden", "html", "server-error"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, sandbox.Switches{})
			w.options.Deliveries = nil
			w.state(t, func(s *sandbox.State) { s.ChangeFaults(false, sandbox.Fault{Kind: kind, Path: "/customer"}) })
			report, err := calibrate.Run(t.Context(), w.options)
			if report == nil {
				t.Errorf("%s: no report", kind)
			}
			if failed := errors.Is(err, calibrate.ErrCleanup); failed != (kind != "forbidden") {
				t.Errorf("%s: %v", kind, err)
			}
		})
	}
}

// A failure at any request leaves nothing, and is never taken for a difference. Each kind fails each request of the first
// half, which sends no deliveries, and some of the second half.
func TestFailuresAreNoDifferences(t *testing.T) {
	t.Parallel()
	const first = 32 // requests of the first half
	for i, kind := range []string{
		"html", "truncated", "rate-limit", "server-error", "bad-gateway", "unavailable", "redirect", "reset", "reset-after", "unauthorized",
		"forbidden",
	} {
		for after := range calibrate.MaxRequests {
			if after >= first && after%11 != i {
				continue
			}
			t.Run(fmt.Sprint(kind, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, sandbox.Switches{})
					w.state(t, func(s *sandbox.State) { s.ChangeFaults(false, sandbox.Fault{Kind: kind, After: after, Count: 1}) })
					if after < first {
						w.options.Deliveries = nil
					}
					report, err := calibrate.Run(t.Context(), w.options)
					if report != nil {
						if differ, _ := differences(report); len(differ) > 0 {
							t.Errorf("differences: %v", differ)
						}
					}
					if n := w.left(t); n != 0 && !errors.Is(err, calibrate.ErrCleanup) {
						t.Errorf("%d subscriptions and objects remain, the error is %v", n, err)
					}
				})
			})
		}
	}
}

// A trace has every request, and no secret.
func TestTraceShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, post := range []string{"present", "absent"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, sandbox.Switches{"session-post": post})
			var traced strings.Builder
			exchanges, sessions := 0, []string{}
			w.options.Trace = func(e tripletex.Exchange) {
				exchanges++
				fmt.Fprintln(&traced, e.Method, e.URL, e.Status, e.Headers, e.Sent, e.Received, e.Err)
			}
			w.options.Secret = func(s secret.Text) { sessions = append(sessions, s.Reveal(), url.PathEscape(s.Reveal())) }
			report, err := calibrate.Run(t.Context(), w.options)
			if err != nil {
				t.Fatal(err)
			}
			if exchanges < report.Requests {
				t.Errorf("%d exchanges for %d requests", exchanges, report.Requests)
			}
			for _, hidden := range append(sessions, sandbox.ConsumerToken, sandbox.EmployeeToken, sandbox.AccountantToken,
				sandbox.RefreshToken, "user:password", "Bearer calibrate", "dGx4aG9vayBjYWxpYnJhdGU=") {
				if strings.Contains(traced.String(), hidden) {
					t.Errorf("the trace shows %s", hidden)
				}
			}
			for _, want := range []string{"POST", "/event/subscription", "DELETE", "/token/session/***", `"event":"order.create"`, "/customer"} {
				if !strings.Contains(traced.String(), want) {
					t.Errorf("the trace has no %s", want)
				}
			}
		})
	}
}

// own creates a subscription and a customer that do not belong to a run.
func (w *world) own(t *testing.T) {
	t.Helper()
	client, err := tripletex.New(tripletex.Options{
		BaseURL: w.options.BaseURL, Transport: w.options.Transport, Credentials: w.options.Login.Credentials,
	})
	if err != nil {
		t.Fatal(err)
	}
	wanted := []tripletex.NewSubscription{{Event: "order.create", TargetURL: "https://hooks.example.no/"}}
	if _, err := client.ForCompany(2001).CreateSubscriptions(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	emission := sandbox.Emission{Event: "customer.create", Count: 1, Company: 2001}
	if _, err := sandbox.NewDeliverer(w.store, direct{http.NotFoundHandler()}).Emit(t.Context(), emission); err != nil {
		t.Fatal(err)
	}
}

// What is not Tripletex, or refuses the login, ends the run before the first experiment.
func TestRunEndsBeforeTheFirstExperiment(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sandbox.Fault
		want  tripletex.Kind
	}{
		"web page":      {sandbox.Fault{Kind: "html"}, tripletex.Foreign},
		"half a page":   {sandbox.Fault{Kind: "truncated"}, tripletex.Foreign},
		"redirect":      {sandbox.Fault{Kind: "redirect"}, tripletex.Foreign},
		"failing":       {sandbox.Fault{Kind: "bad-gateway"}, tripletex.ServerFailed},
		"no permission": {sandbox.Fault{Kind: "forbidden", Path: "/event/subscription"}, tripletex.Forbidden},
		"no session":    {sandbox.Fault{Kind: "unauthorized"}, tripletex.Unauthorized},
		"rate limited":  {sandbox.Fault{Kind: "rate-limit"}, tripletex.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Switches{})
				w.state(t, func(s *sandbox.State) { s.ChangeFaults(false, test.fault) })
				report, err := calibrate.Run(t.Context(), w.options)
				switch {
				case report != nil:
					t.Errorf("a report: %+v", report)
				case tripletex.KindOf(err) != test.want:
					t.Errorf("%v, want %s", err, test.want)
				}
			})
		})
	}
}

// A login without rights to customers still gets the report of everything else.
func TestRefusedCustomersLeaveTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Switches{"bulk": "keep-valid"})
		w.state(t, func(s *sandbox.State) {
			s.ChangeFaults(false, sandbox.Fault{Kind: "forbidden", Method: "POST", Path: "/customer"})
		})
		report, err := calibrate.Run(t.Context(), w.options)
		if err != nil {
			t.Fatal(err)
		}
		differ, unseen := differences(report)
		if diff := cmp.Diff(sandbox.Switches{"bulk": "keep-valid"}, differ); diff != "" {
			t.Error(diff)
		}
		if len(unseen) != 17 {
			t.Errorf("not observed: %v", unseen)
		}
		for _, f := range report.Findings {
			if f.Switch == "retry-key" && !strings.Contains(f.Detail(), "403") {
				t.Errorf("the reason is %q", f.Detail())
			}
		}
	})
}

// The report shows no ID, name or secret.
func TestReportShowsNoSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Switches{})
		report, err := calibrate.Run(t.Context(), w.options)
		if err != nil {
			t.Fatal(err)
		}
		junit, err := report.JUnit()
		if err != nil {
			t.Fatal(err)
		}
		text := string(report.Markdown()) + string(junit)
		for _, hidden := range []string{"sandbox-", "tlxr_", "47", "2001", "hooks.example", "dGx4", "eyJ0"} {
			if strings.Contains(text, hidden) {
				t.Errorf("the report shows %q:\n%s", hidden, text)
			}
		}
	})
}

func TestAdoptReadsOnlyValidReports(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report.json")
	finding := func(name, observed, verdict string) string {
		assumed := map[string]string{"bulk": "all-or-nothing", "digest": "supported", "pending": "drop"}[name]
		return `{"switch":"` + name + `","assumed":"` + assumed + `","observed":"` + observed + `","verdict":"` + verdict + `"}`
	}
	edited := func(findings ...string) string {
		return `{"format":1,"findings":[` + strings.Join(findings, ",") + `]}`
	}
	for name, test := range map[string]struct{ content, want string }{
		"empty":       {``, "is not a report"},
		"other JSON":  {`{"findings":[]}`, "is not a report"},
		"a list":      {`[]`, "is not a report"},
		"newer":       {`{"format":2,"findings":[]}`, "has format 2, this version reads format 1"},
		"a string":    {`{"format":"1"}`, "is not a report"},
		"bad switch":  {`{"format":1,"findings":[` + finding("nothing", "x", "differs") + `]}`, `switch "nothing" does not exist`},
		"bad value":   {`{"format":1,"findings":[` + finding("bulk", "never", "differs") + `]}`, "bulk: must be all-or-nothing or keep"},
		"both errors": {edited(finding("nothing", "x", "differs"), finding("bulk", "", "differs")), "switch bulk"},
		"agrees":      {edited(finding("bulk", "keep-valid", "agrees")), "contradict the verdict agrees"},
		"differs":     {edited(finding("bulk", "all-or-nothing", "differs")), "contradict the verdict differs"},
		"verdict":     {edited(finding("bulk", "keep-valid", "different")), `verdict "different" does not exist`},
		"no verdict":  {edited(`{"switch":"bulk","observed":"keep-valid"}`), `verdict "" does not exist`},
		"twice":       {edited(finding("bulk", "keep-valid", "differs"), finding("bulk", "all-or-nothing", "agrees")), "two findings"},
		"more":        {`{"format":1,"findings":[]}{}`, "is not a report"},
		"half":        {`{"format":1,"findings":[{"switch":"bulk"`, "is not a report"},
		"text":        {`{"format":1,"findings":"none"}`, "is not a report"},
		"negative":    {`{"format":-1,"findings":[]}`, "is not a report"},
		"good": {
			`{"format":1,"findings":[` + finding("bulk", "keep-valid", "differs") + "," + finding("digest", "supported", "agrees") +
				"," + finding("pending", "odd", "unclear") + "," + finding("nothing", "", "skipped") + `]}`, "",
		},
	} {
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := calibrate.Adopt(t.Context(), path)
		switch {
		case test.want != "" && (!errors.Is(err, calibrate.ErrReport) || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want == "" && cmp.Diff(sandbox.Switches{"bulk": "keep-valid"}, got) != "":
			t.Errorf("%s: %v", name, got)
		}
	}
}
