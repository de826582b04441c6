package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// recipe is a job of docs/ci as shell scripts, one for each step.
type recipe map[string][]string

// githubRecipe reads the steps of a workflow that run a shell. Installing is left to the test.
func githubRecipe(t *testing.T) recipe {
	t.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	readRecipe(t, "github-actions.yml", &workflow)
	jobs := recipe{}
	for name, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if strings.Contains(step.Run, "${{") {
				t.Errorf("%s puts what others wrote into a shell: %s", name, step.Run)
			}
			if step.Run != "" && step.Name != "Install" {
				jobs[name] = append(jobs[name], step.Run)
			}
		}
	}
	return jobs
}

// gitlabRecipe reads the scripts of jobs: their lines are one shell.
func gitlabRecipe(t *testing.T) recipe {
	t.Helper()
	var pipeline map[string]struct{ Script []string }
	readRecipe(t, "gitlab-ci.yml", &pipeline)
	jobs := recipe{}
	for name, job := range pipeline {
		if len(job.Script) > 0 {
			jobs[strings.TrimPrefix(name, "webhooks-")] = []string{strings.Join(job.Script, "\n")}
		}
	}
	return jobs
}

// azureRecipe reads the bash steps of the jobs. Installing is left to the test.
func azureRecipe(t *testing.T) recipe {
	t.Helper()
	type step struct{ Bash, DisplayName string }
	var pipeline struct {
		Jobs []struct {
			Job, Deployment string
			Steps           []step
			Strategy        struct {
				RunOnce struct{ Deploy struct{ Steps []step } } `yaml:"runOnce"`
			}
		}
	}
	readRecipe(t, "azure-pipelines.yml", &pipeline)
	jobs := recipe{}
	for _, job := range pipeline.Jobs {
		for _, step := range append(job.Steps, job.Strategy.RunOnce.Deploy.Steps...) {
			if step.Bash != "" && !strings.HasPrefix(step.Bash, "go install") {
				name := job.Job + job.Deployment
				jobs[name] = append(jobs[name], step.Bash)
			}
		}
	}
	return jobs
}

// jenkinsRecipe reads the shell steps of the stages. Jenkins runs them with "sh -xe".
func jenkinsRecipe(t *testing.T) recipe {
	t.Helper()
	raw, err := os.ReadFile("../../docs/ci/Jenkinsfile")
	if err != nil {
		t.Fatal(err)
	}
	jobs := recipe{}
	for _, stage := range strings.Split(string(raw), "stage('")[1:] {
		name, rest, _ := strings.Cut(stage, "'")
		if _, script, found := strings.Cut(rest, "sh '''"); found {
			script, _, _ = strings.Cut(script, "'''")
			jobs[name] = []string{script}
		}
	}
	return jobs
}

func readRecipe(t *testing.T, name string, to any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs/ci", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, to); err != nil {
		t.Fatal(err)
	}
}

// forge is the part of GitHub and GitLab that takes comments.
type forge struct {
	mu       sync.Mutex
	calls    []string
	comments string // what a list of comments answers
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	f.calls = append(f.calls, r.Method+" "+r.URL.Path+" "+string(body))
	if r.Header.Get("Authorization") != "Bearer forge-token" && r.Header.Get("Private-Token") != "forge-token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, f.comments)
	}
}

// holds sets the comments that there are.
func (f *forge) holds(comments string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.comments = comments
}

// called tells whether a call was made, and forgets all.
func (f *forge) called(start string, holds ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return slices.ContainsFunc(calls, func(call string) bool {
		return strings.HasPrefix(call, start) && !slices.ContainsFunc(holds, func(part string) bool { return !strings.Contains(call, part) })
	})
}

const recipeManifest = `version: 1
owns: ["https://hooks.example.no/"]
subscriptions:
  - event: "order.*"
    target: https://hooks.example.no/t
    hmacSecret: {env: HOOK_HMAC_SECRET}
`

// newRecipes returns what runs a job in a real shell as the forges do, with the sandbox in the place of Tripletex.
func newRecipes(t *testing.T, programs string, f *forge, jobs recipe) func(job string) error {
	t.Helper()
	bash := need(t, "bash")
	need(t, "curl")
	need(t, "jq")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "hooks.yaml"), []byte(recipeManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	environ := []string{
		"HOME=" + folder, "XDG_RUNTIME_DIR=" + folder, "PATH=" + programs + ":" + os.Getenv("PATH"), "CI=true", "TLXHOOK_PROFILE=sandbox",
		"GITHUB_STEP_SUMMARY=" + filepath.Join(folder, "summary.md"), "GITHUB_API_URL=" + server.URL, "GITHUB_REPOSITORY=acme/hooks",
		"PULL_REQUEST=7", "GH_TOKEN=forge-token", "SEND_SECRETS=changed", "HOOK_HMAC_SECRET=a-secret-of-the-recipe",
		"CI_API_V4_URL=" + server.URL, "CI_PROJECT_ID=42", "CI_MERGE_REQUEST_IID=7", "PLAN_COMMENT_TOKEN=forge-token",
	}
	return func(job string) error {
		if len(jobs[job]) == 0 {
			t.Fatalf("there is no job %s", job)
		}
		for _, script := range jobs[job] {
			command := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			command.Dir, command.Env = folder, environ
			if job != "apply" {
				command.Env = slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, "HOOK_") })
			}
			out, err := command.CombinedOutput()
			t.Logf("%s: %v\n%s", job, err, out)
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// The recipes of docs/ci do what they say: a plan as a comment, apply on merge, and a drift check that fails when
// somebody changes something, without any secret where none is needed.
func TestRecipesOfCI(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	build(t, programs)
	for name, test := range map[string]struct {
		jobs               recipe
		comments, replaces string
	}{
		"GitHub": {githubRecipe(t), "POST /repos/acme/hooks/issues/7/comments", "PATCH /repos/acme/hooks/issues/comments/99"},
		"GitLab": {gitlabRecipe(t), "POST /projects/42/merge_requests/7/notes", "POST /projects/42/merge_requests/7/notes"},
		// These show the plan without a comment.
		"Azure":   {azureRecipe(t), "", ""},
		"Jenkins": {jenkinsRecipe(t), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &forge{}
			f.holds(`[{"id": 98, "user": {"login": "mallory"}, "body": "### Tripletex webhooks: mine"}]`)
			run := newRecipes(t, programs, f, test.jobs)
			switch err := run("plan"); {
			case err != nil:
				t.Errorf("plan: %v", err)
			case test.comments == "":
			case !f.called(test.comments, "### Tripletex webhooks: 3 to create, 0 to update", "+ order.create to https://hooks.example.no/t"):
				t.Errorf("plan: %v", err)
			}
			if err := run("drift"); err == nil {
				t.Error("drift was not seen before the first apply")
			}
			if err := run("apply"); err != nil {
				t.Errorf("apply: %v", err)
			}
			if err := run("drift"); err != nil {
				t.Errorf("drift after apply: %v", err)
			}
			f.holds(`[{"id": 99, "user": {"login": "github-actions[bot]"}, "body": "### Tripletex webhooks: 3 to create, 0 to update"}]`)
			switch err := run("plan"); {
			case err != nil:
				t.Errorf("plan of nothing: %v", err)
			case test.replaces == "":
			case !f.called(test.replaces, "nothing to do"):
				t.Errorf("plan of nothing: %v", err)
			}
		})
	}
}
