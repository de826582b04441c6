package health_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// subscriptions returns one subscription for each status.
func subscriptions(statuses ...tripletex.Status) []tripletex.Subscription {
	all := make([]tripletex.Subscription, len(statuses))
	for i, status := range statuses {
		all[i] = tripletex.Subscription{
			ID: int64(4711 + i), Event: "order.create",
			Status: status, TargetURL: fmt.Sprintf("https://u:canary@hooks.example.no/t%d?token=canary", i),
		}
	}
	return all
}

// thresholds parses "w NAME=RANGE" and "c NAME=RANGE".
func thresholds(t *testing.T, texts ...string) health.Thresholds {
	t.Helper()
	var all health.Thresholds
	for _, text := range texts {
		kind, threshold, _ := strings.Cut(text, " ")
		state := map[string]health.State{"w": health.Warning, "c": health.Critical}[kind]
		if err := all.Set(state, threshold); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestReportStateIsTheWorstOfAll(t *testing.T) {
	t.Parallel()
	entry := []health.Entry{{Event: "order.create", TargetHost: "hooks.example.no"}}
	for name, test := range map[string]struct {
		in      health.Input
		want    health.State
		summary string
	}{
		"all healthy":  {health.Input{Subscriptions: subscriptions("ACTIVE", "ACTIVE")}, health.OK, "2 of 2 active"},
		"one disabled": {health.Input{Subscriptions: subscriptions("ACTIVE", "DISABLED")}, health.Warning, "1 of 2 not active"},
		"one failing": {
			health.Input{Subscriptions: subscriptions("DISABLED", "DISABLED_MISUSE", "ACTIVE")},
			health.Critical, "2 of 3 not active",
		},
		"unknown status":  {health.Input{Subscriptions: subscriptions("ACTIVE", "ON_HOLD")}, health.Unknown, "1 of 2 not active"},
		"none active":     {health.Input{Subscriptions: subscriptions("DISABLED")}, health.Critical, "1 of 1 not active"},
		"nothing matches": {health.Input{}, health.Critical, "no subscription matches"},
		"deleted ID": {
			health.Input{Subscriptions: subscriptions("ACTIVE"), Absent: []int64{1}},
			health.Critical, "1 of 1 active; 1 missing",
		},
		"only deleted IDs": {health.Input{Absent: []int64{1, 2}}, health.Critical, "2 missing"},
		"missing from the manifest": {
			health.Input{Subscriptions: subscriptions("ACTIVE"), Manifest: &health.Comparison{Missing: entry}},
			health.Critical, "1 of 1 active; 1 missing",
		},
		"drift": {
			health.Input{Subscriptions: subscriptions("ACTIVE"), Manifest: &health.Comparison{Drifting: entry}},
			health.Warning, "1 of 1 active; 1 differs from the manifest",
		},
		"no drift": {
			health.Input{Subscriptions: subscriptions("ACTIVE"), Manifest: &health.Comparison{}},
			health.OK, "1 of 1 active",
		},
		"disabled state OK": {
			health.Input{Subscriptions: subscriptions("ACTIVE", "DISABLED"), Rules: health.Rules{Disabled: health.OK}},
			health.OK, "1 of 2 not active",
		},
		"disabled state CRITICAL": {health.Input{
			Subscriptions: subscriptions("ACTIVE", "DISABLED"),
			Rules:         health.Rules{Disabled: health.Critical},
		}, health.Critical, "1 of 2 not active"},
	} {
		report := health.Check(test.in)
		if report.State != test.want {
			t.Errorf("%s: report.State = %v, want %v", name, report.State, test.want)
		}
		if report.ExitCode != test.want.ExitCode() {
			t.Errorf("%s: report.ExitCode = %v, want %v", name, report.ExitCode, test.want.ExitCode())
		}
		if report.Summary != test.summary {
			t.Errorf("%s: report.Summary = %v, want %v", name, report.Summary, test.summary)
		}
	}
}

// A configured threshold overrides the rules for its count only.
func TestThresholdsReplaceTheRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statuses []tripletex.Status
		chosen   []string
		want     health.State
		summary  string
	}{
		"within the threshold": {
			[]tripletex.Status{"ACTIVE", "DISABLED_TOO_MANY_ERRORS"},
			[]string{"c too_many_errors=1"},
			health.OK, "1 of 2 not active",
		},
		"above the threshold": {
			[]tripletex.Status{"ACTIVE", "DISABLED_TOO_MANY_ERRORS"},
			[]string{"c too_many_errors=0"},
			health.Critical, "1 of 2 not active; too_many_errors=1 is outside \"0\"",
		},
		"other counts follow the rules": {
			[]tripletex.Status{"ACTIVE", "DISABLED_MISUSE"},
			[]string{"c too_many_errors=1"},
			health.Critical, "1 of 2 not active",
		},
		"warning threshold": {
			[]tripletex.Status{"ACTIVE", "DISABLED"},
			[]string{"w disabled=0", "c disabled=2"},
			health.Warning, "1 of 2 not active; disabled=1 is outside \"0\"",
		},
		"critical rule next to a warning threshold": {
			[]tripletex.Status{"ACTIVE", "DISABLED_MISUSE"},
			[]string{"w misuse=5"},
			health.Critical, "1 of 2 not active; misuse=1 is outside \"0\"",
		},
		"minimum": {
			[]tripletex.Status{"ACTIVE"},
			[]string{"w active=3:", "c active=1:"},
			health.Warning, "1 of 1 active; active=1 is outside \"3:\"",
		},
		"critical beats warning": {
			[]tripletex.Status{"ACTIVE"},
			[]string{"w total=5:", "c total=2:"},
			health.Critical, "1 of 1 active; total=1 is outside \"2:\"",
		},
		"inverted range": {
			[]tripletex.Status{"ACTIVE"},
			[]string{"c total=@0:5"},
			health.Critical, "1 of 1 active; total=1 is inside \"@0:5\"",
		},
		"no active allowed":       {[]tripletex.Status{"DISABLED"}, []string{"c active=0:"}, health.Warning, "1 of 1 not active"},
		"no subscription allowed": {nil, []string{"c active=0:"}, health.OK, "no subscription matches"},
		"other follows the rules": {[]tripletex.Status{"ACTIVE", "ON_HOLD"}, nil, health.Unknown, "1 of 2 not active"},
		"other follows a configured threshold": {
			[]tripletex.Status{"ACTIVE", "ON_HOLD"},
			[]string{"w other=0", "c other=5"},
			health.Warning, "1 of 2 not active; other=1 is outside \"0\"",
		},
		"every violated threshold is named": {
			[]tripletex.Status{"ACTIVE"},
			[]string{"w active=2:", "w total=2:"},
			health.Warning, "1 of 1 active; active=1 is outside \"2:\"; total=1 is outside \"2:\"",
		},
	} {
		report := health.Check(health.Input{
			Subscriptions: subscriptions(test.statuses...),
			Rules:         health.Rules{Thresholds: thresholds(t, test.chosen...)},
		})
		if report.State != test.want {
			t.Errorf("%s: report.State = %v, want %v", name, report.State, test.want)
		}
		if report.Summary != test.summary {
			t.Errorf("%s: report.Summary = %v, want %v", name, report.Summary, test.summary)
		}
	}
}

// The JSON is a stable interface.
func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	all := subscriptions("ACTIVE", "DISABLED", "DISABLED_TOO_MANY_ERRORS", "DISABLED_RATE_LIMIT_EXCEEDED", "DISABLED_MISUSE", "NEW")
	all[0].Changes = []tripletex.Change{{Timestamp: "2026-01-01T00:00:00Z"}, {Timestamp: "2026-02-01T00:00:00Z"}}
	raw, err := json.Marshal(health.Check(health.Input{Subscriptions: all, CompanyID: 7, Took: time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"state":"CRITICAL","exitCode":2,"summary":"5 of 6 not active",` +
		`"counts":{"active":1,"disabled":1,"tooManyErrors":1,"rateLimited":1,"misuse":1,"other":1,"total":6},"subscriptions":[` +
		`{"id":4711,"event":"order.create","status":"ACTIVE","statusCode":0,"state":"OK",` +
		`"targetHost":"hooks.example.no","companyId":7,"version":0,"lastChange":"2026-02-01T00:00:00Z"},`
	var rows []string
	for i, row := range []string{
		`"DISABLED","statusCode":1,"state":"WARNING"`, `"DISABLED_TOO_MANY_ERRORS","statusCode":2,"state":"CRITICAL"`,
		`"DISABLED_RATE_LIMIT_EXCEEDED","statusCode":3,"state":"CRITICAL"`, `"DISABLED_MISUSE","statusCode":4,"state":"CRITICAL"`,
		`"NEW","statusCode":9,"state":"UNKNOWN"`,
	} {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"event":"order.create","status":%s,"targetHost":"hooks.example.no","companyId":7,"version":0}`,
			4712+i, row))
	}
	want += strings.Join(rows, ",") + "]}"
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Error(diff)
	}
	raw, err = json.Marshal(health.Unreachable(health.Problem{Code: "timeout", Message: "no answer"}, health.Unknown, time.Second))
	want = `{"state":"UNKNOWN","exitCode":3,"summary":"no answer","subscriptions":[],"error":{"code":"timeout","message":"no answer"}}`
	switch diff := cmp.Diff(want, string(raw)); {
	case diff != "":
		t.Errorf("diff = %q, want %q", diff, "")
	case err != nil:
		t.Error(err)
	}
}
