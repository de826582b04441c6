package manifest

import (
	"context"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Reference says where a secret is. Exactly one of its first four fields is set, or none where a secret is not
// managed.
type Reference struct {
	Env     string `json:"env,omitempty"`
	File    string `json:"file,omitempty"`
	Command string `json:"command,omitempty"`
	Keyring string `json:"keyring,omitempty"`
	// Folder is the one of the manifest, which a File is relative to.
	Folder string `json:"folder,omitempty"`
	// At is where the reference stands.
	At Position `json:"at,omitzero"`
}

func referenceKeys() []string { return []string{"env", "file", "command", "keyring"} }

// IsZero tells whether the secret is not managed.
func (r Reference) IsZero() bool { return r.Env+r.File+r.Command+r.Keyring == "" }

// String says where the secret is, such as "env HOOK_AUTH".
func (r Reference) String() string {
	switch {
	case r.Env != "":
		return "env " + r.Env
	case r.File != "":
		return "file " + r.File
	case r.Command != "":
		return "command " + r.Command
	case r.Keyring != "":
		return "keyring " + r.Keyring
	default:
		return ""
	}
}

// place is what two references to the same secret share.
func (r Reference) place() Reference {
	r.At = Position{}
	return r
}

// reference reads a reference to a secret; null means that it is not managed. Text in its place may well be the
// secret itself, so no problem shows it.
func (p *problems) reference(n ast.Node, what, folder string) Reference {
	if isNull(n) {
		return Reference{}
	}
	at := p.of(n)
	if _, ok := n.(ast.MapNode); !ok {
		p.add(at, "%s must say where the secret is, such as {env: HOOK_SECRET}; a manifest never holds a secret itself", what)
		return Reference{}
	}
	before := len(p.all)
	values, _ := p.mapping(n, what, referenceKeys())
	if len(p.all) > before {
		return Reference{}
	}
	if len(values) == 0 {
		p.add(at, "%s must be one of %s", what, strings.Join(referenceKeys(), ", "))
		return Reference{}
	}
	if len(values) > 1 {
		p.add(at, "%s must be one of %s, not several", what, strings.Join(referenceKeys(), ", "))
		return Reference{}
	}
	r := Reference{At: at, Folder: folder}
	for key, to := range map[string]*string{"env": &r.Env, "file": &r.File, "command": &r.Command, "keyring": &r.Keyring} {
		if values[key] == nil {
			continue
		}
		t, ok := p.scalar(values[key], key)
		if ok && strings.TrimSpace(t.value) == "" {
			p.add(t.at, "%s needs a value", key)
		}
		*to = t.value
	}
	switch {
	case r.Env != "" && strings.ContainsAny(r.Env, "= \t$"):
		p.add(at, "env must be the name of a variable, not its value")
		return Reference{}
	case isLogin(r.Env):
		p.add(at, "env must not be a token of the login, which would be sent to the target")
		return Reference{}
	}
	return r
}

// isLogin tells whether a variable holds a token that tlxhook logs in with.
func isLogin(env string) bool {
	env = strings.ToUpper(env) // as names have no case on Windows
	return strings.HasPrefix(env, "TLXHOOK_") && strings.Contains(env, "_TOKEN")
}

// Secrets are the values of references.
type Secrets map[Reference]secret.Text

// Of returns the value that a reference stands for, or nothing where it has none or was not resolved.
func (s Secrets) Of(r Reference) secret.Text { return s[r.place()] }

// Resolve returns the values of references, each asked for once, however often it is used.
func Resolve(ctx context.Context, all []Reference, resolve func(context.Context, Reference) (secret.Text, error)) (Secrets, error) {
	secrets, missing := Secrets{}, []Problem{}
	tried := map[Reference]bool{}
	for _, r := range all {
		if r.IsZero() || tried[r.place()] {
			continue
		}
		tried[r.place()] = true
		value, err := resolve(ctx, r)
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			missing = append(missing, Problem{r.At, fmt.Sprintf("%s: %v", r, err)})
			continue
		}
		secrets[r.place()] = value
	}
	return secrets, failure(missing)
}
