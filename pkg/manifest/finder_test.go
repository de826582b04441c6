package manifest_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

func lookup(name string) (string, bool) {
	value, ok := map[string]string{"HOOK": "from-env", "TLXHOOK_HMAC_SECRET": "ours", "TLXHOOK_EMPLOYEE_TOKEN": "token"}[name]
	return value, ok
}

func TestUntrustedManifestReadsOnlyItsFolderAndEnvironment(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{"in/secret.txt": "from-file\n", "outside.txt": "other-file\n"})
	in, outside := filepath.Join(folder, "in"), filepath.Join(folder, "outside.txt")
	for name, c := range map[string]struct {
		from  manifest.Reference
		value string
		cause error
	}{
		"a variable":               {manifest.Reference{Env: "HOOK"}, "from-env", nil},
		"a variable for secrets":   {manifest.Reference{Env: "TLXHOOK_HMAC_SECRET"}, "ours", nil},
		"a token of the login":     {manifest.Reference{Env: "TLXHOOK_EMPLOYEE_TOKEN"}, "", manifest.ErrLoginToken},
		"a token in another case":  {manifest.Reference{Env: "tlxhook_Employee_Token"}, "", manifest.ErrLoginToken},
		"a variable that is unset": {manifest.Reference{Env: "MISSING"}, "", manifest.ErrNoVariable},
		"a file in the folder":     {manifest.Reference{Folder: in, File: "secret.txt"}, "from-file", nil},
		"a file above the folder":  {manifest.Reference{Folder: in, File: "../outside.txt"}, "", manifest.ErrUntrustedFile},
		"an absolute file":         {manifest.Reference{Folder: in, File: outside}, "", manifest.ErrUntrustedFile},
		"a command":                {manifest.Reference{Command: "echo hello"}, "", manifest.ErrUntrustedCommand},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			finder := &manifest.SecretFinder{Lookup: lookup, Stderr: io.Discard, Found: func(...secret.Text) {}}
			value, err := finder.Find(t.Context(), c.from)
			if !errors.Is(err, c.cause) {
				t.Errorf("%v, want %v", err, c.cause)
			}
			if value.Reveal() != c.value {
				t.Errorf("the value is %q, want %q", value.Reveal(), c.value)
			}
		})
	}
}

func TestTrustedManifestReadsAnyFile(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{"in/manifest.yaml": "", "outside.txt": "other-file\n"})
	for _, path := range []string{"../outside.txt", filepath.Join(folder, "outside.txt")} {
		finder := &manifest.SecretFinder{Trust: true, Lookup: lookup, Stderr: io.Discard, Found: func(...secret.Text) {}}
		value, err := finder.Find(t.Context(), manifest.Reference{Folder: filepath.Join(folder, "in"), File: path})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if value.Reveal() != "other-file" {
			t.Errorf("%s: the value is %q", path, value.Reveal())
		}
	}
}

func TestEveryValueIsReportedOnce(t *testing.T) {
	t.Parallel()
	var found []string
	finder := &manifest.SecretFinder{Lookup: lookup, Stderr: io.Discard, Found: func(values ...secret.Text) {
		for _, v := range values {
			found = append(found, v.Reveal())
		}
	}}
	all := []manifest.Reference{{Env: "HOOK"}, {Env: "TLXHOOK_HMAC_SECRET"}, {Env: "HOOK"}}
	if _, err := manifest.Resolve(t.Context(), all, finder.Find); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"from-env", "ours"}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestCICredentialsRequireTrust(t *testing.T) {
	t.Parallel()
	always := func(string) (string, bool) { return "canary", true }
	find := func(name string, trust bool) error {
		finder := &manifest.SecretFinder{Trust: trust, Lookup: always, Stderr: io.Discard, Found: func(...secret.Text) {}}
		_, err := finder.Find(t.Context(), manifest.Reference{Env: name})
		return err
	}
	for _, name := range []string{
		"GITHUB_TOKEN", "github_token", "GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CI_JOB_TOKEN", "GITLAB_TOKEN", "SYSTEM_ACCESSTOKEN",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS", "NPM_TOKEN",
		"NODE_AUTH_TOKEN", "VAULT_TOKEN", "CIRCLE_TOKEN", "BUILDKITE_AGENT_ACCESS_TOKEN", "TF_VAR_password",
		"KUBECONFIG", "TEAMCITY_AUTH_PASSWORD", "TRIPLETEX_EMPLOYEE_TOKEN", "OPENAI_API_KEY", "NUGET_API_KEY", "SLACK_TOKEN",
		"PGPASSWORD", "DATABASE_URL", "https_proxy", "PULUMI_ACCESS_TOKEN", "OP_SERVICE_ACCOUNT_TOKEN", "HF_TOKEN", "OS_PASSWORD",
		"GEM_HOST_API_KEY", "MONGODB_URI", "DB_PASSWORD",
	} {
		if err := find(name, false); !errors.Is(err, manifest.ErrCredential) {
			t.Errorf("%s: %v, want %v", name, err, manifest.ErrCredential)
		}
		if err := find(name, true); err != nil {
			t.Errorf("%s with trust: %v", name, err)
		}
	}
	for _, name := range []string{"HOOK_SECRET", "ACME_TOKEN", "TLXHOOK_HMAC_SECRET", "MY_GITHUB_HOOK"} {
		if err := find(name, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
