package cli_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

const monitoringFolder = "../../docs/monitoring"

// The rules that are shipped fire when they should, and not before; promtool runs them over series.
func TestShippedRulesFireWhenTheyShould(t *testing.T) {
	long(t)
	t.Parallel()
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"}, {"check", "rules", "prometheus-rules.yml"}, {"test", "rules", "prometheus-rules-test.yml"},
	} {
		command := exec.CommandContext(t.Context(), need(t, "promtool"), args...)
		command.Dir = monitoringFolder
		if said, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, said)
		}
	}
}

// What runs in the background of a test is ended with it.
func background(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
}

// startExporter runs the exporter over the sandbox of a home, and returns its host and port.
func startExporter(t *testing.T, home string, more ...string) string {
	t.Helper()
	args := append([]string{"exporter", "-p", "sandbox", "--addr", "127.0.0.1:0", "--min-interval", "0s"}, more...)
	command := exec.CommandContext(t.Context(), "tlxhook", args...)
	command.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	background(t, command)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if address.Path != "/metrics" {
		t.Fatalf("%q, %v", line, err)
	}
	return address.Host
}

// prometheus is a real server.
type prometheus struct {
	t       *testing.T
	address string
}

// startPrometheus runs a server with the shipped files, which differ only in their times and in the address of
// the exporter.
func startPrometheus(t *testing.T, exporter string) prometheus {
	t.Helper()
	path, folder := need(t, "prometheus"), t.TempDir()
	for name, changes := range map[string][]string{
		"prometheus.yml":       {"127.0.0.1:10469", exporter, "interval: 30s", "interval: 250ms"},
		"prometheus-rules.yml": {"for: 2m", "for: 2s"},
	} {
		raw, err := os.ReadFile(filepath.Join(monitoringFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer(changes...).Replace(string(raw))
		if text == string(raw) {
			t.Fatalf("%s has nothing of %v", name, changes)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := prometheus{t, free.Addr().String()}
	_ = free.Close()
	background(t, exec.CommandContext(t.Context(), path, "--config.file="+filepath.Join(folder, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+p.address, "--log.level=error"))
	return p
}

// ask reads an answer of the server's API into data, which stays as it is where there is none yet.
func (p prometheus) ask(path string, data any) {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.address+"/api/v1/"+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	defer func() { _ = answer.Body.Close() }()
	said := struct {
		Error string `json:"error"`
		Data  any    `json:"data"`
	}{Data: data}
	if err := json.NewDecoder(answer.Body).Decode(&said); err == nil && said.Error != "" {
		p.t.Errorf("%s: %s", path, said.Error)
	}
}

// series returns the labels of what a query finds.
func (p prometheus) series(query string) []map[string]string {
	var found struct {
		Result []struct {
			Metric map[string]string `json:"metric"`
		} `json:"result"`
	}
	p.ask("query?query="+url.QueryEscape(query), &found)
	labels := make([]map[string]string, len(found.Result))
	for i, r := range found.Result {
		labels[i] = r.Metric
	}
	return labels
}

// alert returns the state of the alert that a subscription is switched off, empty where it is at rest, and its
// labels.
func (p prometheus) alert() (state string, labels map[string]string) {
	var found struct {
		Alerts []struct {
			Labels map[string]string `json:"labels"`
			State  string            `json:"state"`
		} `json:"alerts"`
	}
	p.ask("alerts", &found)
	for _, a := range found.Alerts {
		if a.Labels["alertname"] == "TripletexWebhookDisabled" {
			return a.State, a.Labels
		}
	}
	return "", nil
}

// eventually waits for something that other processes do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 600 {
		if is() {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("%s: not within 30 seconds", what)
}

// The whole chain, for real: a subscription breaks, the exporter sees it, Prometheus scrapes that, and the alert
// that is shipped is pending and then fires. It rests again when the subscription is repaired.
func TestPrometheusAlertsWhenASubscriptionBreaks(t *testing.T) {
	long(t)
	t.Parallel()
	need(t, "prometheus")
	home := t.TempDir()
	code, _, said := runInHome(t, home, "sub", "create", "order.create", "order.update", "--target", "https://hooks.example.no/t")
	if code != 0 {
		t.Fatal(said)
	}
	p := startPrometheus(t, startExporter(t, home))
	eventually(t, "both jobs see both subscriptions", func() bool {
		return len(p.series(`tlxhook_subscription_status{company="sandbox",status="ACTIVE"} == 1`)) == 4
	})
	if state, _ := p.alert(); state != "" {
		t.Errorf("the alert is %s while all is well", state)
	}
	store := sandbox.NewFile(filepath.Join(home, ".local", "state", "tlxhook", "sandbox"))
	if err := store.Update(t.Context(), func(s *sandbox.State) error {
		s.Disable(1, "DISABLED_TOO_MANY_ERRORS")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pending", "firing"} {
		eventually(t, "the alert is "+want, func() bool {
			state, _ := p.alert()
			return state == want
		})
	}
	switch _, labels := p.alert(); {
	case labels["company"] != "sandbox":
		t.Errorf(`labels["company"] = %q, want %q`, labels["company"], "sandbox")
	case labels["subscription_id"] != "4712":
		t.Errorf(`labels["subscription_id"] = %q, want %q`, labels["subscription_id"], "4712")
	case labels["status"] != "DISABLED_TOO_MANY_ERRORS":
		t.Errorf(`labels["status"] = %q, want %q`, labels["status"], "DISABLED_TOO_MANY_ERRORS")
	}
	dashboardShows(t, p)
	if code, _, said := runInHome(t, home, "sub", "enable", "4712"); code != 0 {
		t.Fatal(said)
	}
	eventually(t, "the alert is at rest", func() bool {
		state, _ := p.alert()
		return state == ""
	})
}

// dashboardShows asks everything that the shipped dashboard asks. Only what needs a failure of the API, or more
// time than the test takes, finds nothing.
func dashboardShows(t *testing.T, p prometheus) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(monitoringFolder, "grafana-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	switch err := json.Unmarshal(raw, &board); {
	case err != nil:
		t.Fatal(err)
	case len(board.Panels) < 5:
		t.Fatalf("len(board.Panels) = %v, want at least 5", len(board.Panels))
	}
	quiet := []string{"tlxhook_scrape_failure", "tlxhook_api_request_failures_total", "tlxhook_api_retries_total", `status="DISABLED"`}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			query := strings.NewReplacer("$company", ".*", "$__rate_interval", "10s").Replace(target.Expr)
			silent := slices.ContainsFunc(quiet, func(part string) bool { return strings.Contains(query, part) })
			found := p.series(query)
			if len(found) == 0 && !silent {
				t.Errorf("panel %q finds nothing by %s", panel.Title, query)
			}
			if !strings.Contains(query, "target_host") {
				continue
			}
			switch {
			case len(found) != 1:
				t.Errorf("panel %q shows %d series, want 1", panel.Title, len(found))
			case found[0]["target_host"] != "hooks.example.no":
				t.Errorf("panel %q shows the target %v", panel.Title, found)
			case found[0]["subscription_id"] != "4712":
				t.Errorf("panel %q shows the subscription %v", panel.Title, found)
			}
		}
	}
}

// No page of the exporter shows a secret of a subscription, of the login, or of whoever may scrape.
func TestExporterShowsNoSecret(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	target := "https://user:" + canaryPass + "@hooks.example.no/" + canaryHMAC + "?token=" + canaryQuery
	for _, company := range []string{"0", "2001"} {
		if code, _, said := runInHome(t, home, "--company", company, "sub", "create", "order.create", "--target", target); code != 0 {
			t.Fatal(said)
		}
	}
	fleet := "http://" + startExporter(t, home, "--all-companies") + "/metrics"
	eventually(t, "the company is shown", func() bool { return strings.Contains(page(t, fleet), `{company="sandbox/2001",subscription_id`) })
	showsNoSecret(t, "/metrics of companies", page(t, fleet), "sandbox-session-", sandbox.EmployeeToken, sandbox.ConsumerToken)
	host := startExporter(t, home)
	for _, path := range []string{"/metrics", "/probe?target=sandbox", "/sd", "/", "/probe?target=" + canaryToken} {
		showsNoSecret(t, path, page(t, "http://"+host+path), "sandbox-session-", sandbox.EmployeeToken, sandbox.ConsumerToken)
	}
}

// The guide lists every metric.
func TestGuideListsEveryMetric(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if code, _, said := runInHome(t, home, "sub", "create", "order.create", "--target", "https://hooks.example.no/"); code != 0 {
		t.Fatal(said)
	}
	guide, err := os.ReadFile("../../docs/monitoring-exporter.md")
	if err != nil {
		t.Fatal(err)
	}
	fleet := "http://" + startExporter(t, home, "--all-companies") + "/metrics"
	eventually(t, "companies are shown", func() bool { return strings.Contains(page(t, fleet), "tlxhook_company_info") })
	pages := page(t, "http://"+startExporter(t, home)+"/metrics") + page(t, fleet)
	names := regexp.MustCompile(`(?m)^# TYPE (tlxhook_\w+) `).FindAllStringSubmatch(pages, -1)
	if len(names) < 15 {
		t.Fatalf("%q", names)
	}
	for _, name := range names {
		if !strings.Contains(string(guide), "`"+name[1]+"`") {
			t.Errorf("monitoring-exporter.md lacks %s", name[1])
		}
	}
}

// page returns what stands on a page.
func page(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	if len(raw) == 0 {
		t.Fatalf("%s: len(raw) = 0", address)
	}
	return string(raw)
}
