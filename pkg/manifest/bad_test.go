package manifest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
)

type badManifest struct{ name, content, problems string }

func badManifests() []badManifest {
	const (
		head = "version: 1\n"
		one  = head + "subscriptions:\n  - event: order.create\n    target: https://h.no/\n"
		bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b]\n"
	)
	return []badManifest{
		{"an empty file", "", "1:1: is empty; a manifest starts with version: 1"},
		{"only a comment", "# hi\n", "1:1: is empty; a manifest starts with version: 1"},
		{"an empty document", "---\n...\n", "1:1: is empty; a manifest starts with version: 1"},
		{"text", "hello", "1:1: a manifest must be a mapping of $schema, version, companies, owns, defaults, subscriptions, not text"},
		{"a list", "- a\n", "1:1: a manifest must be a mapping of $schema, version, companies, owns, defaults, subscriptions, not a list"},
		{"a number", "42", "1:1: a manifest must be a mapping of $schema, version, companies, owns, defaults, subscriptions, not text"},
		{"a bomb of aliases", bomb, "1:4: an unquoted & starts a YAML anchor, which is not supported; put shared settings in defaults:"},
		{
			"an anchor that holds itself", "a: &a\n  b: *a\n",
			"1:4: an unquoted & starts a YAML anchor, which is not supported; put shared settings in defaults:",
		},
		{
			"a merge key", head + "defaults:\n  <<: {target: x}\nsubscriptions: []\n",
			"3:3: merge keys are not supported; put shared settings in defaults:",
		},
		{
			"a tag", head + "subscriptions:\n  - event: !!str order.create\n",
			"3:12: an unquoted ! starts a YAML tag, which is not supported; quote the text",
		},
		{"binary data", "a: !!binary aGk=\n", "1:4: an unquoted ! starts a YAML tag, which is not supported; quote the text"},
		{"a tab before a dash", head + "subscriptions:\n\t- event: order.create\n", "3:1: a tab cannot indent YAML; use spaces"},
		{
			"a tab before a key", head + "subscriptions:\n  - event: order.create\n\ttarget: https://h.no/\n",
			"4:1: a tab cannot indent YAML; use spaces",
		},
		{"a tab after an empty line", head + "\nsubscriptions:\n\t- event: order.create\n", "4:1: a tab cannot indent YAML; use spaces"},
		{"a key twice", one + "version: 1\n", `5:1: key "version" occurs twice in a manifest`},
		{"a key twice in an entry", one + "    event: order.update\n", `5:5: key "event" occurs twice in an entry`},
		{"a NUL", "version: 1\x00\n", "1:11: contains a control character, U+0000"},
		{"UTF-16", "\xff\xfev\x00", "is UTF-16; save it as UTF-8"},
		{"Latin-1", "version: 1 # \xe5\n", "1:14: is not UTF-8"},
		{"a control character", "version: \x07\n", "1:10: contains a control character, U+0007"},
		{"a control character in a later line", "version: 1\n# \u2028\nx: \x07\n", "3:4: contains a control character, U+0007"},
		{"a line that ends in CR alone", "version: 1\rsub: []\n", "1:11: contains a control character, U+000D"},
		{"a control character beyond ASCII", "version: \u0085 1\n", "1:10: contains a control character, U+0085"},
		{
			"a key with a typing error", head + "subscriptions:\n  - event: order.create\n    taget: https://h.no/\n",
			`4:5: unknown key "taget" in an entry; did you mean target?`,
		},
		{
			"an event with a typing error", head + "subscriptions:\n  - evnt: order.create\n    target: https://h.no/\n",
			`3:5: unknown key "evnt" in an entry; did you mean event?`,
		},
		{
			"a base URL", one + "baseUrl: https://evil.example/\n",
			"5:1: unknown key \"baseUrl\" in a manifest; valid keys: $schema, version, companies, owns, defaults, subscriptions",
		},
		{
			"a profile", one + "profile: x\n",
			"5:1: unknown key \"profile\" in a manifest; valid keys: $schema, version, companies, owns, defaults, subscriptions",
		},
		{
			"a command outside of a secret", one + "command: rm -rf /\n",
			"5:1: unknown key \"command\" in a manifest; valid keys: $schema, version, companies, owns, defaults, subscriptions",
		},
		{
			"a command for a target", head + "subscriptions:\n  - event: order.create\n    target: {command: curl}\n",
			"4:14: target must be text, not a mapping",
		},
		{
			"a command for an event", head + "subscriptions:\n  - event: {command: x}\n    target: https://h.no/\n",
			"3:13: event must be text, not a mapping",
		},
		{
			"the event no", head + "subscriptions:\n  - event: no\n    target: https://h.no/\n",
			`3:12: event "no": must have the form object.verb, such as order.create`,
		},
		{
			"an event that is a number", head + "subscriptions:\n  - event: 12\n    target: https://h.no/\n",
			`3:12: event "12": must have the form object.verb, such as order.create`,
		},
		{
			"a pattern without quotes", head + "subscriptions:\n  - event: *.create\n    target: https://h.no/\n",
			`3:12: an unquoted * starts a YAML alias, which is not supported; quote a pattern, such as "*.delete"`,
		},
		{"an event without a name", head + "subscriptions:\n  - event:\n    target: https://h.no/\n", "3:11: event needs a value"},
		{"no events", head + "subscriptions:\n  - events: []\n    target: https://h.no/\n", "3:13: events must not be empty"},
		{
			"event and events", head + "subscriptions:\n  - event: a.b\n    events: [a.c]\n    target: https://h.no/\n",
			"3:5: the entry requires either event or events",
		},
		{"neither event nor events", head + "subscriptions:\n  - target: https://h.no/\n", "3:5: the entry requires either event or events"},
		{"no target", head + "subscriptions:\n  - event: order.create\n", "3:5: the entry has no target, and defaults has no target"},
		{"an empty target", head + "subscriptions:\n  - event: order.create\n    target:\n", "4:13: target needs a value"},
		{
			"a list for an event", head + "subscriptions:\n  - event: [order.create]\n    target: https://h.no/\n",
			"3:12: event must be text, not a list",
		},
		{
			"text for events", head + "subscriptions:\n  - events: order.create\n    target: https://h.no/\n",
			"3:13: events must be a list, not text",
		},
		{"another version", "version: 2\nsubscriptions: []\n", "1:10: version must be 1; no other version is supported"},
		{"no version", "subscriptions: []\n", "1:1: a manifest starts with version: 1"},
		{"a version in quotes", "version: \"1\"\nsubscriptions: []\n", "1:10: version must be 1; no other version is supported"},
		{"no subscriptions", "version: 1\n", "1:1: a manifest needs subscriptions; write subscriptions: [] for none"},
		{"text for subscriptions", head + "subscriptions: hello\n", "2:16: subscriptions must be a list, not text"},
		{"a mapping for subscriptions", head + "subscriptions: {a: b}\n", "2:17: subscriptions must be a list, not a mapping"},
		{
			"text for an entry", head + "subscriptions: [hello]\n",
			"2:17: an entry must be a mapping of event, events, target, targetCredentials, fields, status, authHeader, hmacSecret, not text",
		},
		{
			"an empty entry", head + "subscriptions:\n  -\n",
			"3:5: an entry must be a mapping of event, events, target, targetCredentials, fields, status, authHeader, hmacSecret, not nothing",
		},
		{
			"null for an entry", head + "subscriptions: [~, ]\n",
			"2:17: an entry must be a mapping of event, events, target, targetCredentials, fields, status, authHeader, hmacSecret, not nothing",
		},
		{
			"a password in a target", head + "subscriptions:\n  - event: order.create\n    target: https://u:hunter2@h.no/\n",
			"4:13: target: must have no user name, password or query, because a manifest contains no secrets; reference them " +
				"with targetCredentials",
		},
		{
			"a query in a target", head + "subscriptions:\n  - event: order.create\n    target: https://h.no/?k=hunter2\n",
			"4:13: target: must have no user name, password or query, because a manifest contains no secrets; reference them " +
				"with targetCredentials",
		},
		{
			"a relative target", head + "subscriptions:\n  - event: order.create\n    target: /hook\n",
			"4:13: target: must be an absolute URL, such as https://hooks.example.no/tripletex",
		},
		{
			"a target that is no web address", head + "subscriptions:\n  - event: order.create\n    target: ftp://h.no\n",
			"4:13: target: must be an absolute URL, such as https://hooks.example.no/tripletex",
		},
		{"an empty target", head + "subscriptions:\n  - event: order.create\n    target:\n", "4:13: target needs a value"},
		{
			"a status that Tripletex sets", one + "    status: DISABLED_MISUSE\n",
			"5:13: status must be ACTIVE or DISABLED; only Tripletex sets other statuses",
		},
		{
			"a status that does not exist", one + "    status: yes\n",
			"5:13: status must be ACTIVE or DISABLED; only Tripletex sets other statuses",
		},
		{
			"a secret itself", one + "    hmacSecret: hunter2hunter2\n",
			"5:17: hmacSecret must be a reference such as {env: HOOK_SECRET}; a manifest contains no secrets",
		},
		{
			"two references for one secret", one + "    hmacSecret: {env: A, file: b}\n",
			"5:18: hmacSecret must be one of env, file, command, keyring, not several",
		},
		{"an empty reference", one + "    hmacSecret: {}\n", "5:17: hmacSecret must be one of env, file, command, keyring"},
		{"a reference with a typing error", one + "    hmacSecret: {evn: A}\n", `5:18: unknown key "evn" in hmacSecret; did you mean env?`},
		{"an empty name of a variable", one + "    hmacSecret: {env: \"\"}\n", "5:23: env needs a value"},
		{"a variable with its value", one + "    hmacSecret: {env: A=hunter2}\n", "5:18: env must be the name of a variable, not its value"},
		{"a list of variables", one + "    hmacSecret: {env: [a]}\n", "5:23: env must be text, not a list"},
		{
			"a secret in braces", one + "    hmacSecret: {hunter2hunter2}\n",
			"5:18: unknown key in hmacSecret; valid keys: env, file, command, keyring",
		},
		{
			"a secret with a value", one + "    hmacSecret: {hunter2hunter2: true}\n",
			"5:18: unknown key in hmacSecret; valid keys: env, file, command, keyring",
		},
		{
			"a secret without digits", one + "    hmacSecret: {correcthorse}\n",
			"5:18: unknown key in hmacSecret; valid keys: env, file, command, keyring",
		},
		{
			"a key of 24 letters", one + "    hmacSecret: {" + strings.Repeat("z", 24) + ": a}\n",
			"5:18: unknown key \"" + strings.Repeat("z", 24) + "\" in hmacSecret; valid keys: env, file, command, keyring",
		},
		{
			"a key of 25 letters, which may be a secret", one + "    hmacSecret: {" + strings.Repeat("z", 25) + ": a}\n",
			"5:18: unknown key in hmacSecret; valid keys: env, file, command, keyring",
		},
		{
			"a secret in brackets", one + "    hmacSecret: [hunter2]\n",
			"5:17: hmacSecret must be a reference such as {env: HOOK_SECRET}; a manifest contains no secrets",
		},
		{
			"a token of the login", one + "    hmacSecret: {env: TLXHOOK_EMPLOYEE_TOKEN}\n",
			"5:18: env must not be a token of the login",
		},
		{"text for a header", one + "    authHeader: Authorization\n", "5:17: authHeader must be a mapping of name, value, not text"},
		{"a header without a name", one + "    authHeader: {value: {env: A}}\n", "5:18: authHeader needs a name, such as Authorization"},
		{"a header with an empty name", one + "    authHeader: {name: \"\"}\n", "5:24: authHeader needs a name, such as Authorization"},
		{
			"the value of a header itself", one + "    authHeader: {name: X, value: hunter2}\n",
			"5:34: value must be a reference such as {env: HOOK_SECRET}; a manifest contains no secrets",
		},
		{"a pattern for owns", one + "owns: [\"*\"]\n", "5:8: owns: must be an absolute URL, such as https://hooks.example.no/tripletex"},
		{"text for owns", one + "owns: https://h.no/\n", "5:7: owns must be a list, not text"},
		{
			"a query in owns", one + "owns: [https://h.no/?a=b]\n",
			"5:8: owns: must have no user name, password or query, because a manifest contains no secrets; reference them " +
				"with targetCredentials",
		},
		{
			"a pattern in owns", one + "owns: [\"https://hooks.example.no/*\"]\n",
			"5:8: owns: a URL includes everything below it; write it without *",
		},
		{
			"a host pattern in owns", one + "owns: [\"https://*.example.no\"]\n",
			"5:8: owns: a URL includes everything below it; write it without *",
		},
		{"nothing in owns", one + "owns: [\"\"]\n", "5:8: owns: must be an absolute URL, such as https://hooks.example.no/tripletex"},
		{
			"an identity twice, spelt differently", one + "  - event: ORDER.create\n    target: https://H.no:443\n",
			"5:12: ORDER.create to https://H.no:443 is declared twice; first at in.yaml:3:12",
		},
		{
			"an identity twice, once by a pattern", one + "  - event: \"order.*\"\n    target: https://h.no/\n",
			"5:12: order.create to https://h.no/ is declared twice; first at in.yaml:3:12",
		},
		{
			"a pattern that matches nothing", one + "  - event: \"oder.*\"\n    target: https://h.no/\n",
			`5:12: no event matches "oder.*"; did you mean order.*?`,
		},
		{
			"an event in defaults", head + "defaults: {event: a.b}\nsubscriptions: []\n",
			"2:12: unknown key \"event\" in defaults; valid keys: target, targetCredentials, fields, status, authHeader, hmacSecret",
		},
		{
			"a list for defaults", head + "defaults: []\nsubscriptions: []\n",
			"2:11: defaults must be a mapping of target, targetCredentials, fields, status, authHeader, hmacSecret, not a list",
		},
		{"10,000 brackets", strings.Repeat("[", 10000), "1:17: is nested too deeply"},
		{"a deep block", strings.Repeat("a:\n ", 500), "34:3: has too many keys"},
		{"100,000 dashes", head + strings.Repeat("- ", 100000), "2:3: a list must not contain empty items or lists"},
		{"5,000 documents", strings.Repeat("---\na: b\n", 5000), "1999:1: exceeds the limit of documents"},
		{"an empty document between others", one + "---\n---\n" + one, "6:1: ends an empty document; remove one of the two ---"},
		{"5,000 braces", strings.Repeat("{a: ", 5000), "1:65: is nested too deeply"},
		{"an open quote", head + "owns: [\"a\n", "2:8: could not find end character of double-quoted text"},
		{"an open bracket", head + "owns: [a, b\n", "2:7: sequence end token ']' not found"},
		{"two colons", "version: 1: 2\n", "1:10: mapping value is not allowed in this context"},
		{"wrong indentation", "version: 1\n  owns: []\n subscriptions: []\n", "1:10: mapping value is not allowed in this context"},
		{"a directive", "%YAML 1.2\n---\nversion: 1\n", "1:1: YAML directives are not supported"},
		{"a complex key", "? a\n: b\n", "1:1: an unquoted ? starts a complex key, which is not supported; quote the text"},
		{"broken JSON", "{\"version\": 1, \"subscriptions\": [}", "1:34: could not find '{' character corresponding to '}'"},
		{"something behind JSON", "{\"version\": 1, \"subscriptions\": []} x", "1:37: value is not allowed in this context"},
		{"5 MiB", strings.Repeat("#", 5<<20), "is larger than 4 MiB"},
		{"100 keys", head + strings.Repeat("a: b\n", 100), "33:2: has too many keys"},
		{"a list of 200,000", head + "owns: [" + strings.Repeat("a,", 200000) + "]", "is too large: it has more than 250000 parts"},
		{
			"an anchor for a target", head + "subscriptions:\n  - event: order.create\n    target: &t https://h.no/\n",
			"4:13: an unquoted & starts a YAML anchor, which is not supported; put shared settings in defaults:",
		},
	}
}

func TestInvalidManifestIsRejectedWithPositionAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, bad := range badManifests() {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(bad.content)
			if diff := cmp.Diff(bad.problems, problems(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if strings.Contains(problems(err), "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
}

// problems returns the problems of an error, one per line, without the file name.
func problems(err error) string {
	wrong, ok := errors.AsType[*manifest.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	var lines []string
	for _, p := range wrong.Problems {
		lines = append(lines, strings.TrimLeft(strings.TrimPrefix(p.String(), "in.yaml"), ": "))
	}
	return strings.Join(lines, "\n")
}

func TestValueWithoutAKeyIsAnError(t *testing.T) {
	t.Parallel()
	for _, content := range []string{": a\n", "- : a\n", "{: a}\n", ":\n", "version: 1\n: a\n"} {
		if _, err := parse(content); err == nil {
			t.Errorf("%q is accepted", content)
		}
	}
}
