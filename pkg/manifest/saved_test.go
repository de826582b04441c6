package manifest_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// saved returns the content of a saved plan.
func saved(t *testing.T, content string, have ...tripletex.Subscription) string {
	t.Helper()
	want := mustParse(t, content)
	policy := manifest.Policy{Prune: true, SendSecrets: manifest.SendChanged, Secrets: secretsOf(t, want)}
	raw, err := json.Marshal(manifest.NewSaved("https://tripletex.no/v2 0", want, policy, manifest.Diff(want, have, policy)))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const everySecret = "order.create;hmacSecret: {env: A};authHeader: {name: X, value: {env: B}};targetCredentials: {userinfo: {env: " +
	"C}, query: {env: D}}"

func TestSavedPlanContainsNoSecretAndRoundTrips(t *testing.T) {
	t.Parallel()
	have := []tripletex.Subscription{sub(1, "order.update"), sub(2, "product.create", to("https://h.no/?k=hunter2"))}
	raw := saved(t, entries(everySecret, "order.update;status: DISABLED"), have...)
	if strings.Contains(raw, "the-secret-") {
		t.Errorf("a secret is in the file: raw = %q, want it not to contain %q", raw, "the-secret-")
	}
	if strings.Contains(raw, "hunter2") {
		t.Errorf("a secret is in the file: raw = %q, want it not to contain %q", raw, "hunter2")
	}
	plan, err := manifest.ReadSaved([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	policy := plan.Policy
	policy.Secrets = secretsOf(t, plan.Want)
	again := manifest.Diff(plan.Want, have, policy)
	if diff := cmp.Diff(shown(plan.Plan), shown(again)); diff != "" {
		t.Errorf("the plan for the same world is another one (-saved +now):\n%s", diff)
	}
	if !plan.Plan.Same(again) {
		t.Error("the plan for the same world is not the same")
	}
	if len(again.Changes) != 3 {
		t.Errorf("%d changes, want 3", len(again.Changes))
	}
	if err := again.Check(events(), tripletex.HTTPSOnly); err != nil {
		t.Errorf("the plan that was read: %v", err)
	}
}

func TestSavedPlanIsStaleAfterAChange(t *testing.T) {
	t.Parallel()
	have := []tripletex.Subscription{sub(1, "order.update"), sub(2, "product.create")}
	plan, err := manifest.ReadSaved([]byte(saved(t, entries("order.create", "order.update;status: DISABLED"), have...)))
	if err != nil {
		t.Fatal(err)
	}
	moved := sub(1, "order.update")
	moved.Version++
	for name, now := range map[string][]tripletex.Subscription{
		"updated elsewhere":       {moved, have[1]},
		"deleted elsewhere":       {have[1]},
		"an orphan was deleted":   {have[0]},
		"created elsewhere":       {have[0], have[1], sub(3, "order.create")},
		"another orphan appeared": {have[0], have[1], sub(3, "product.update")},
		"disabled elsewhere":      {sub(1, "order.update", status(tripletex.Disabled)), have[1]},
	} {
		if plan.Plan.Same(manifest.Diff(plan.Want, now, plan.Policy)) {
			t.Errorf("%s: the plan counts as the same", name)
		}
	}
	elsewhere := append(slices.Clone(have), sub(9, "order.delete", to("https://other.no/")))
	if !plan.Plan.Same(manifest.Diff(plan.Want, elsewhere, plan.Policy)) {
		t.Error("what the plan does not touch makes it another one")
	}
}

func TestInvalidPlanFileIsRejected(t *testing.T) {
	t.Parallel()
	good := saved(t, entries("order.create"))
	for name, raw := range map[string]string{
		"nothing":                  "",
		"a manifest":               entries("order.create"),
		"another JSON":             `{"a": 1}`,
		"null":                     "null",
		"a later format":           strings.Replace(good, `"tlxhookPlan":1`, `"tlxhookPlan":2`, 1),
		"without want":             `{"tlxhookPlan":1}`,
		"trailing data":            good + "{}",
		"truncated":                good[:len(good)/2],
		"a password in the target": strings.Replace(good, `"target":"https://h.no/"`, `"target":"https://u:hunter2@h.no/"`, 1),
		"everything owned":         strings.Replace(good, `"owns":["https://h.no/"]`, `"owns":[""]`, 1),
		"a status of Tripletex":    strings.Replace(good, `"status":"ACTIVE"`, `"status":"DISABLED_MISUSE"`, 1),
		"an identity that is doubled": strings.Replace(good, `"subscriptions":[`,
			`"subscriptions":[{"event":"ORDER.create","target":"https://h.no","status":"ACTIVE","at":{"file":"x"}},`, 1),
	} {
		_, err := manifest.ReadSaved([]byte(raw))
		if !errors.Is(err, manifest.ErrSaved) {
			t.Errorf("%s: %v, want %v", name, err, manifest.ErrSaved)
			continue
		}
		for _, part := range []string{"hunter2", "saved plan"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v shows %q", name, err, part)
			}
		}
	}
	if _, err := manifest.ReadSaved([]byte(good)); err != nil {
		t.Errorf("the plan itself: %v", err)
	}
}

func TestSavedPlanReadsFilesBelowTheWorkingFolderOnly(t *testing.T) {
	t.Parallel()
	raw := saved(t, entries("order.create;hmacSecret: {file: key}"))
	path := filepath.Join(write(t, map[string]string{
		"here.json": raw, "outside.json": strings.Replace(raw, `"folder":"`, `"folder":"../`, 1),
	}), "here.json")
	outside := filepath.Join(filepath.Dir(path), "outside.json")
	if _, err := manifest.ReadSavedFile(path, false); err != nil {
		t.Errorf("a file below the working folder: %v", err)
	}
	if _, err := manifest.ReadSavedFile(outside, false); !errors.Is(err, manifest.ErrUntrustedFile) {
		t.Errorf("%v, want %v", err, manifest.ErrUntrustedFile)
	}
	if _, err := manifest.ReadSavedFile(outside, true); err != nil {
		t.Errorf("a trusted plan: %v", err)
	}
}

func TestUnreadableSavedPlanHasACause(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{"hooks.yaml": oneEntry})
	for name, cause := range map[string]error{"missing.json": manifest.ErrSavedUnreadable, "hooks.yaml": manifest.ErrSaved} {
		if _, err := manifest.ReadSavedFile(filepath.Join(folder, name), false); !errors.Is(err, cause) {
			t.Errorf("%s: %v, want %v", name, err, cause)
		}
	}
}
