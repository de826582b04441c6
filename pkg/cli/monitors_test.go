package cli_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// Real monitors run the program through the files that docs/monitoring ships for them.

// monitored is a home with three subscriptions, one of them switched off.
func monitored(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for _, args := range [][]string{
		{"sandbox", "reset", "--subscriptions", "3"},
		{"sub", "disable", "4712"},
	} {
		if code, _, stderr := runInHome(t, home, args...); code != 0 {
			t.Fatal(stderr)
		}
	}
	return home
}

// shipped returns a file of docs/monitoring as it stands, but for what its user must adapt: pairs of old and new.
func shipped(t *testing.T, name string, adapted ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs/monitoring", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(adapted); i += 2 {
		if !strings.Contains(string(raw), adapted[i]) {
			t.Fatalf("%s does not hold %q", name, adapted[i])
		}
	}
	return strings.NewReplacer(adapted...).Replace(string(raw))
}

func write(t *testing.T, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ran runs a tool and returns what it prints and its exit code.
func ran(t *testing.T, home, tool string, args ...string) (string, int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), need(t, tool), args...)
	command.Dir = home
	command.Env = []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"),
		"TLXHOOK_PROFILE=sandbox", "GITHUB_STEP_SUMMARY=" + filepath.Join(home, "summary.md"),
	}
	raw, err := command.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(raw), command.ProcessState.ExitCode()
}

// The wrapper of the monitoring plugins turns a verdict round: it read the exit code of the real program.
func TestMonitoringPluginsRunCheck(t *testing.T) {
	t.Parallel()
	home := monitored(t)
	negate := "negate"
	if _, err := os.Stat("/usr/lib/nagios/plugins/negate"); err == nil {
		negate = "/usr/lib/nagios/plugins/negate"
	}
	said, code := ran(t, home, negate, "--substitute", "--warning=OK", need(t, "tlxhook"), "check")
	if code != 0 {
		t.Errorf("%d %s", code, said)
	}
	if !strings.HasPrefix(said, "WEBHOOKS OK: 1 of 3 not active: 4712 account.update DISABLED |") {
		t.Errorf("said = %q, want it to begin with %q", said, "WEBHOOKS OK: 1 of 3 not active: 4712 account.update DISABLED |")
	}
}

// A real Nagios schedules the check, and keeps its state, text, performance data and further lines apart.
func TestNagiosRunsCheck(t *testing.T) {
	t.Parallel()
	nagios := need(t, "nagios4")
	home := monitored(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	objects := shipped(t, "nagios.cfg", "/usr/bin/tlxhook", need(t, "tlxhook"),
		"HOME=/var/lib/nagios ", "HOME="+home+" ", "check_tlxhook!acme", "check_tlxhook!sandbox")
	write(t, home, "objects.cfg", objects)
	raw, err := os.ReadFile("testdata/nagios.cfg")
	if err != nil {
		t.Fatal(err)
	}
	main := write(t, home, "main.cfg", strings.NewReplacer("FOLDER", home, "USER", me.Username).Replace(string(raw)))
	around, err := os.ReadFile("testdata/nagios_objects.cfg")
	if err != nil {
		t.Fatal(err)
	}
	write(t, home, "around.cfg", string(around))
	if said, code := ran(t, home, nagios, "-v", main); code != 0 {
		t.Fatal(said)
	}
	command := exec.CommandContext(t.Context(), nagios, main)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	want := regexp.MustCompile(`^WARNING\tWEBHOOKS WARNING: 1 of 3 not active: 4712 account\.update DISABLED\t` +
		`active=2;;1:;0;3 [^\t]*time=[0-9.]+s;;;0\t4712 account\.update DISABLED hooks\.example\.no`)
	var got []byte
	for range 200 {
		if got, err = os.ReadFile(filepath.Join(home, "perfdata")); err == nil && want.Match(got) {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Errorf("Nagios read %q, %v", got, err)
}

func TestIcingaAcceptsItsFile(t *testing.T) {
	t.Parallel()
	need(t, "icinga2")
	home := t.TempDir()
	write(t, home, "shipped.conf", shipped(t, "icinga2.conf"))
	around := `include <itl>
object Host "localhost" { check_command = "dummy"; vars.tlxhook_profile = "acme"; vars.tlxhook_critical = [ "total=5:" ] }
include "` + home + `/shipped.conf"
`
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	said, code := ran(t, home, "icinga2", "daemon", "-C", "-D", "RunAsUser="+me.Username,
		"-D", "RunAsGroup="+me.Username, "-c", write(t, home, "icinga2.conf", around))
	if code != 0 {
		t.Errorf("%d %s", code, said)
	}
	if !strings.Contains(said, "Instantiated 1 Service.") {
		t.Errorf("said = %q, want it to contain %q", said, "Instantiated 1 Service.")
	}
}

// The agent of Zabbix runs the keys of its file, and gets documents that hold what items are made of.
func TestZabbixAgentRunsCheck(t *testing.T) {
	t.Parallel()
	need(t, "zabbix_agentd")
	home := monitored(t)
	conf := shipped(t, "zabbix-agent.conf", "/usr/bin/tlxhook", need(t, "tlxhook"), "HOME=/var/lib/zabbix ", "HOME="+home+" ",
		"2500ms", "25s") // on a slow machine
	path := write(t, home, "zabbix.conf", "Server=127.0.0.1\nLogType=console\nAllowRoot=1\nTimeout=30\n"+conf)
	value := func(key string) []byte {
		said, code := ran(t, home, "zabbix_agentd", "-c", path, "-t", key+"[sandbox]")
		_, text, found := strings.Cut(said, "[t|")
		if code != 0 || !found {
			t.Fatalf("%d %s", code, said)
		}
		return []byte(strings.TrimSuffix(strings.TrimSpace(text), "]"))
	}
	var report struct {
		State         string
		Subscriptions []struct{ ID, StatusCode int }
	}
	switch err := json.Unmarshal(value("tlxhook.check"), &report); {
	case err != nil:
		t.Error(err)
	case report.State != "WARNING":
		t.Errorf("report.State = %q, want %q", report.State, "WARNING")
	case report.Subscriptions[1].StatusCode != 1:
		t.Errorf("report.Subscriptions[1].StatusCode = %v, want 1", report.Subscriptions[1].StatusCode)
	}
	var found []map[string]string
	switch err := json.Unmarshal(value("tlxhook.discovery"), &found); {
	case err != nil:
		t.Error(err)
	case len(found) != 3:
		t.Errorf("len(found) = %v, want 3", len(found))
	case found[1]["{#SUBID}"] != "4712":
		t.Errorf(`found[1]["{#SUBID}"] = %q, want %q`, found[1]["{#SUBID}"], "4712")
	}
}

func TestCheckmkScriptPrintsALocalCheck(t *testing.T) {
	t.Parallel()
	home := monitored(t)
	script := write(t, home, "local", shipped(t, "checkmk-local.sh", "/var/lib/tlxhook", home, "-p acme", "-p sandbox"))
	said, _ := ran(t, home, "sh", script)
	want := `1 "Tripletex webhooks sandbox" active=2|disabled=1|too_many_errors=0|rate_limited=0|misuse=0|other=0|total=3 ` +
		"1 of 3 not active: 4712 account.update DISABLED\n"
	if said != want {
		t.Errorf("%q", said)
	}
}

func TestSystemdAcceptsItsUnits(t *testing.T) {
	t.Parallel()
	home := monitored(t)
	service := write(t, home, "tlxhook-check.service", shipped(t, "tlxhook-check.service", "/usr/bin/tlxhook", need(t, "tlxhook")))
	timer := write(t, home, "tlxhook-check.timer", shipped(t, "tlxhook-check.timer"))
	switch said, code := ran(t, home, "systemd-analyze", "verify", "--man=no", service, timer); {
	case code != 0:
		t.Errorf("%d %s", code, said)
	case said != "":
		t.Errorf("said = %q, want %q", said, "")
	}
	// What must be open is the network and one folder.
	if said, code := ran(t, home, "systemd-analyze", "security", "--offline=true", "--threshold=15", service); code != 0 {
		t.Errorf("%d %s", code, said)
	}
	// The command of the unit does what it says.
	command := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(shipped(t, "tlxhook-check.service"))[1]
	file := filepath.Join(home, "webhooks.prom")
	command = strings.NewReplacer("/usr/bin/tlxhook", "tlxhook", "/var/lib/prometheus/node-exporter/tlxhook.prom", file).Replace(command)
	if said, code := ran(t, home, "sh", "-c", command); code != 1 {
		t.Errorf("%d %s", code, said)
	}
	switch said, code := ran(t, home, "sh", "-c", "promtool check metrics <"+file); {
	case code != 0:
		t.Errorf("%d %s", code, said)
	case said != "":
		t.Errorf("said = %q, want %q", said, "")
	}
}

// The jobs for GitHub and GitLab run what they say: the steps that check are run by the shell, as there.
func TestJobsRunCheck(t *testing.T) {
	t.Parallel()
	home := monitored(t)
	var github struct {
		Jobs map[string]struct{ Steps []struct{ Name, Run string } }
	}
	if err := yaml.Unmarshal([]byte(shipped(t, "github-actions.yml")), &github); err != nil {
		t.Fatal(err)
	}
	steps := github.Jobs["check"].Steps
	said, code := ran(t, home, "bash", "-e", "-c", steps[len(steps)-1].Run)
	if code != 1 {
		t.Errorf("%d %s", code, said)
	}
	if said != "::warning title=Tripletex webhook 4712::account.update to hooks.example.no is DISABLED\n" {
		t.Errorf("said = %q, want %q", said, "::warning title=Tripletex webhook 4712::account.update to hooks.example.no is DISABLED\n")
	}
	switch summary, err := os.ReadFile(filepath.Join(home, "summary.md")); {
	case err != nil:
		t.Error(err)
	case !strings.Contains(string(summary), "| 4712 | account.update |"):
		t.Errorf("summary = %q, want it to contain %q", string(summary), "| 4712 | account.update |")
	}
	var gitlab map[string]struct {
		Script    []string
		Artifacts struct{ Reports map[string]string }
	}
	if err := yaml.Unmarshal([]byte(shipped(t, "gitlab-ci.yml")), &gitlab); err != nil {
		t.Fatal(err)
	}
	job := gitlab["tripletex-webhooks"]
	switch said, code := ran(t, home, "bash", "-e", "-c", strings.Join(job.Script, "\n")); {
	case code != 1:
		t.Errorf("%d %s", code, said)
	case !strings.HasPrefix(said, "WEBHOOKS WARNING: "):
		t.Errorf("said = %q, want it to begin with %q", said, "WEBHOOKS WARNING: ")
	}
	said, code = ran(t, home, "xmllint", "--noout", "--schema", mustAbs(t, "../junit/testdata/junit.xsd"), job.Artifacts.Reports["junit"])
	if code != 0 {
		t.Errorf("%d %s", code, said)
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}
