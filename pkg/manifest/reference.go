package manifest

import (
	"context"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Reference names the source of a secret. Exactly one of its first four fields is set, or none if the secret is not
// managed.
type Reference struct {
	Env     string `json:"env,omitempty"`
	File    string `json:"file,omitempty"`
	Command string `json:"command,omitempty"`
	Keyring string `json:"keyring,omitempty"`
	// Folder is the folder of the manifest, the base of a relative File.
	Folder string `json:"folder,omitempty"`
	// At is the position of the reference.
	At Position `json:"at,omitzero"`
}

func referenceKeys() []string { return []string{"env", "file", "command", "keyring"} }

// IsZero reports whether the secret is not managed.
func (r Reference) IsZero() bool { return r.Env+r.File+r.Command+r.Keyring == "" }

// String returns the kind and name of the source, such as "env HOOK_AUTH".
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

// source returns the reference without its position; it is equal for references to the same secret.
func (r Reference) source() Reference {
	r.At = Position{}
	return r
}

// reference parses a reference to a secret; null means not managed. Problems do not show text in its place, which may be
// the secret itself.
func (p *problems) reference(n ast.Node, what, folder string) Reference {
	if isNull(n) {
		return Reference{}
	}
	at := p.of(n)
	if _, ok := n.(ast.MapNode); !ok {
		p.add(at, "%s must be a reference such as {env: HOOK_SECRET}; a manifest contains no secrets", what)
		return Reference{}
	}
	before := len(p.all)
	values, _ := p.mapping(n, what, referenceKeys()...)
	switch {
	case len(p.all) > before:
		return Reference{}
	case len(values) == 0:
		p.add(at, "%s must be one of %s", what, strings.Join(referenceKeys(), ", "))
		return Reference{}
	case len(values) > 1:
		p.add(at, "%s must be one of %s, not several", what, strings.Join(referenceKeys(), ", "))
		return Reference{}
	}
	r := Reference{At: at, Folder: folder}
	for key, value := range values {
		t, ok := p.scalar(value, key)
		if ok && strings.TrimSpace(t.value) == "" {
			p.add(t.at, "%s needs a value", key)
		}
		*r.field(key) = t.value
	}
	return p.checkEnv(r)
}

// field returns the field for one of [referenceKeys].
func (r *Reference) field(key string) *string {
	return map[string]*string{"env": &r.Env, "file": &r.File, "command": &r.Command, "keyring": &r.Keyring}[key]
}

// checkEnv returns a reference without a variable that is not a name or holds a token of the login.
func (p *problems) checkEnv(r Reference) Reference {
	switch {
	case strings.ContainsAny(r.Env, "= \t$"):
		p.add(r.At, "env must be the name of a variable, not its value")
		return Reference{}
	case isLogin(r.Env):
		p.add(r.At, "env must not be a token of the login")
		return Reference{}
	}
	return r
}

// isLogin reports whether a variable holds a token of the login.
func isLogin(env string) bool {
	env = strings.ToUpper(env) // names have no case on Windows
	return strings.HasPrefix(env, "TLXHOOK_") && strings.Contains(env, "_TOKEN")
}

// Secrets are the values of references.
type Secrets map[Reference]secret.Text

// Of returns the value of a reference, or "" if it was not resolved.
func (s Secrets) Of(r Reference) secret.Text { return s[r.source()] }

// Resolve returns the values of references. It resolves each source once.
func Resolve(ctx context.Context, all []Reference, resolve func(context.Context, Reference) (secret.Text, error)) (Secrets, error) {
	secrets, missing := Secrets{}, []Problem{}
	tried := map[Reference]bool{}
	for _, r := range all {
		if r.IsZero() || tried[r.source()] {
			continue
		}
		tried[r.source()] = true
		value, err := resolve(ctx, r)
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			missing = append(missing, Problem{r.At, fmt.Sprintf("%s: %v", r, err)})
			continue
		}
		secrets[r.source()] = value
	}
	return secrets, failure(missing)
}
