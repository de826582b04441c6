//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The parameters of runs over many companies.
const (
	parallel = 16
	latency  = 50 * time.Millisecond
	perRate  = 100 // requests per second, if limited
)

var errRefused = errors.New("the announced rate limit was exceeded")

// fleetRun is a command over all client companies, with the maximum ratio to its lower bound.
type fleetRun struct {
	name     string
	words    []string
	status   string // of the initial subscription of each company; empty for none
	requests int    // per company
	limited  bool
	wanted   float64
}

// measurement is the cost of a run.
type measurement struct {
	took, first time.Duration
	memory      float64 // in megabytes
}

// benchFleet compares runs over many companies with the lower bound from latency or rate limit.
func benchFleet(ctx context.Context, clients, rounds int, tlxhook, home string, out io.Writer) error {
	file := filepath.Join(home, "clients.yaml")
	content := "version: 1\ncompanies: {all: true}\nsubscriptions:\n" +
		"  - {event: order.create, target: \"https://hooks.example.no/tripletex\"}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return err
	}
	const active, off = "ACTIVE", "DISABLED_TOO_MANY_ERRORS"
	runs := []fleetRun{
		{"list, 50 ms", []string{"subscription", "list"}, active, 1, false, 1.3},
		{"check, 50 ms", []string{"check"}, active, 1, false, 1.3},
		{"diff, 50 ms", []string{"diff", "-f", file}, active, 1, false, 1.3},
		{"apply, 50 ms, 3 requests each", []string{"apply", "--yes", "-f", file}, "", 3, false, 1.3},
		{"enable, 50 ms, 2 requests each", []string{"subscription", "enable", "--all-disabled", "--yes"}, off, 2, false, 1.3},
		{"watch, 50 ms", []string{"watch", "--until", "active"}, active, 1, false, 1.3}, // ends after the first round
		{"list, 100 requests/s", []string{"subscription", "list"}, active, 1, true, 1.15},
	}
	measured := make([][]measurement, len(runs))
	for range rounds {
		for i, r := range runs {
			m, err := r.run(ctx, clients, tlxhook, home)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			measured[i] = append(measured[i], m)
		}
	}
	_, _ = fmt.Fprintf(out, "\n%-40s %9s %9s %7s %7s %9s %9s\n",
		fmt.Sprintf("%d companies", clients), "bound", "tlxhook", "ratio", "wanted", "memory", "first")
	for i, r := range runs {
		var took, first []time.Duration
		most := 0.0
		for _, m := range measured[i] {
			took, first, most = append(took, m.took), append(first, m.first), max(most, m.memory)
		}
		middle, bound := median(took), r.bound(clients)
		_, err := fmt.Fprintf(out, "%-40s %9s %9s %7.2f %7.2f %6.1f MB %9s\n", r.name, bound, middle.Round(10*time.Millisecond),
			float64(middle)/float64(bound), r.wanted, most, median(first).Round(time.Millisecond))
		if err != nil {
			return err
		}
	}
	return nil
}

func (r fleetRun) bound(clients int) time.Duration {
	if r.limited {
		return time.Duration(clients) * time.Second / perRate
	}
	return time.Duration(r.requests*clients) * latency / parallel
}

func (r fleetRun) run(ctx context.Context, clients int, tlxhook, home string) (m measurement, err error) {
	api := &clientAPI{limited: r.limited, status: slices.Repeat([]string{r.status}, clients+1)}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return m, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: api}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	base := "http://" + listener.Addr().String() + "/v2"
	args := append([]string{tlxhook},
		append(r.words, "--all-companies", "--quiet", "--timeout", "1m", "--parallel", strconv.Itoa(parallel))...)
	if m, err = streamed(ctx, home, base, args); err == nil && api.refused > 0 {
		err = fmt.Errorf("%w: %d times", errRefused, api.refused)
	}
	return m, err
}

// streamed runs a command and returns its duration, the time to its first line, and its peak memory.
func streamed(ctx context.Context, home, base string, args []string) (m measurement, err error) {
	command, used, err := measured(ctx, home, base, args)
	if err != nil {
		return m, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return m, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return m, err
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if m.first == 0 {
			m.first = time.Since(start)
		}
	}
	err = command.Wait()
	m.took = time.Since(start)
	if err == nil {
		m.memory, err = megabytes(used)
	}
	return m, err
}

// clientAPI is an API with many client companies, each with one subscription or none.
type clientAPI struct {
	limited bool

	mu      sync.Mutex
	status  []string // by company, from 1
	window  time.Time
	left    int
	refused int
}

func (a *clientAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	w.Header().Set("Content-Type", "application/json")
	if a.limited && !a.admit(w, arrived) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	time.Sleep(latency) // the lower bound
	if strings.HasPrefix(r.URL.Path, "/v2/company/") {
		companies := make([]string, len(a.status)-1)
		if r.URL.Query().Get("from") != "0" {
			companies = nil // a full page is followed by an empty one
		}
		for i := range companies {
			companies[i] = fmt.Sprintf(`{"id":%d,"name":"Kunde %d AS"}`, i+1, i+1)
		}
		_, _ = fmt.Fprintf(w, `{"fullResultSize":%d,"from":0,"count":%d,"values":[%s]}`,
			len(a.status)-1, len(companies), strings.Join(companies, ","))
		return
	}
	if r.URL.Path == "/v2/event" {
		_, _ = fmt.Fprint(w, `{"value":{"order.create":{"description":"created"}}}`)
		return
	}
	user, _, _ := r.BasicAuth()
	company, _ := strconv.Atoi(user)
	a.mu.Lock()
	if r.Method != http.MethodGet { // a create, or the end of an outage
		a.status[company] = "ACTIVE"
	}
	status := a.status[company]
	a.mu.Unlock()
	one := `{"id":1,"version":0,"event":"order.create","targetUrl":"https://hooks.example.no/tripletex","fields":null,"status":"` +
		status + `","authHeaderName":null}`
	switch {
	case r.Method != http.MethodGet:
		_, _ = fmt.Fprintf(w, `{"value":%s}`, one)
	case status == "":
		_, _ = fmt.Fprint(w, `{"fullResultSize":0,"from":0,"count":0,"values":[]}`)
	default:
		_, _ = fmt.Fprintf(w, `{"fullResultSize":1,"from":0,"count":1,"values":[%s]}`, one)
	}
}

// admit counts a request and sets the headers of the rate limit. It returns false above the limit.
func (a *clientAPI) admit(w http.ResponseWriter, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.window) >= time.Second {
		a.window, a.left = now, perRate
	}
	if a.left == 0 {
		a.refused++
		return false
	}
	a.left--
	w.Header().Set("X-Rate-Limit-Limit", strconv.Itoa(perRate))
	w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(a.left))
	w.Header().Set("X-Rate-Limit-Reset", strconv.Itoa(int((time.Second-now.Sub(a.window)+time.Second-1)/time.Second)))
	return true
}
