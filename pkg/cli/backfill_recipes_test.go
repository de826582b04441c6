package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The nightly recipes run the command as they stand: their flags exist, and what lacks is stored.
func TestNightlyRecipesBackfill(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		raw, err := os.ReadFile(filepath.Join("../../docs/syncing", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var job struct {
		Spec struct {
			JobTemplate struct {
				Spec struct {
					Template struct {
						Spec struct {
							Containers []struct{ Args []string }
						}
					}
				}
			} `yaml:"jobTemplate"`
		}
	}
	if err := yaml.Unmarshal([]byte(read("kubernetes-cronjob.yml")), &job); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/tlxhook (.*)$`).FindStringSubmatch(read("tlxhook-backfill.service"))[1]
	for name, args := range map[string][]string{
		"cron job": job.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Args, "unit": strings.Fields(line),
	} {
		home := t.TempDir()
		adapt := strings.NewReplacer("%S", home, "/journal/tlxhook", home+"/journal", "%d/hmac", write(t, home, "hmac", "a-secret-of-the-test"))
		for i := range args {
			args[i] = adapt.Replace(args[i])
		}
		for _, words := range [][]string{
			{"sandbox", "reset", "--switch", "propagation=0s"},
			{"sandbox", "emit", "customer.create"},
			{"sub", "create", "customer.*", "--target", "http://127.0.0.1:9/"},
			args,
		} {
			code, stdout, stderr := runInHome(t, home, words...)
			switch {
			case code != 0:
				t.Errorf("%s: %v: exit %d\n%s%s", name, words, code, stdout, stderr)
			case words[0] == "backfill" && !strings.Contains(stdout, "customer"):
				t.Errorf("%s: %v: exit %d\n%s%s", name, words, code, stdout, stderr)
			}
		}
	}
}
