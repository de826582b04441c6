//go:build unix

// Command bench compares tlxhook with baselines in the same run and prints interleaved medians and their ratios. Only
// ratios carry over to other machines. Run it with "go run ./docs/bench".
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// anchor is a Go program that links net/http and prints a line.
const anchor = `package main

import ("fmt"; "net/http"; "os")

func main() {
	if len(os.Args) > 1 { _, _ = http.Get(os.Args[1]) }
	fmt.Println("v1")
}
`

// contest is a command, its baseline, and the maximum ratio between them.
type contest struct {
	name          string
	anchor, entry []string
	base          string // address of the API, empty for none
	wanted        float64
}

func main() {
	runs := flag.Int("runs", 21, "number of runs per command")
	fleetRuns := flag.Int("fleet", 1, "number of runs per command over many companies")
	memory := flag.Bool("memory", false, "run the command after the flags and print its peak memory in kB on standard error")
	flag.Parse()
	if *memory {
		if err := printMemory(context.Background(), flag.Args()); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := bench(context.Background(), sizes{1000, 100_000}, *runs, *fleetRuns, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sizes are the numbers of client companies and of objects in a backfill.
type sizes struct{ clients, objects int }

func bench(ctx context.Context, of sizes, runs, fleetRuns int, out io.Writer) error {
	folder, err := os.MkdirTemp("", "tlxhook-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	tlxhook, hello, err := build(ctx, folder)
	if err != nil {
		return err
	}
	base, stop, err := serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	api := func(count int) string { return fmt.Sprintf("%s/%d/v2", base, count) }
	curl := func(count int) []string {
		return []string{"curl", "-s", "-u", "0:token", fmt.Sprintf("%s/event/subscription?count=%d", api(count), count)}
	}
	values := func(count int) []string {
		return []string{"sh", "-c", fmt.Sprintf("'%s' | jq -c .values", strings.Join(curl(count), "' '"))}
	}
	list, check := []string{tlxhook, "subscription", "list", "-o", "json"}, []string{tlxhook, "check"}
	_, _ = fmt.Fprintf(out, "%-40s %9s %9s %7s %7s %9s\n", "", "anchor", "tlxhook", "ratio", "wanted", "memory")
	for _, c := range []contest{
		{"start: version / a net/http program", []string{hello}, []string{tlxhook, "version"}, "", 2.2},
		{"list of 10 / curl | jq", values(10), list, api(10), 0.40},
		{"list of 10,000 / curl | jq", values(10000), list, api(10000), 0.50},
		{"check of 10 / curl", curl(10), check, api(10), 0.85},
		{"check of 1,000 / curl, which reads none", curl(1000), check, api(1000), 1.20},
	} {
		if err := c.run(ctx, runs, folder, out); err != nil {
			return err
		}
	}
	if err := benchFleet(ctx, of.clients, fleetRuns, tlxhook, folder, out); err != nil {
		return err
	}
	if err := benchBackfill(ctx, tlxhook, folder, of.objects, runs, out); err != nil {
		return err
	}
	info, err := os.Stat(tlxhook)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "stripped binary: %.1f MB\n", float64(info.Size())/1e6)
	return err
}

// run alternates between both commands.
func (c contest) run(ctx context.Context, runs int, home string, out io.Writer) error {
	var anchors, entries []time.Duration
	for range runs {
		took, err := once(ctx, home, c.base, c.anchor)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		anchors = append(anchors, took)
		if took, err = once(ctx, home, c.base, c.entry); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		entries = append(entries, took)
	}
	used, err := memoryOf(ctx, home, c.base, c.entry)
	if err != nil {
		return err
	}
	a, e := median(anchors), median(entries)
	_, err = fmt.Fprintf(out, "%-40s %9s %9s %7.2f %7.2f %6.1f MB\n", c.name, a.Round(10*time.Microsecond), e.Round(10*time.Microsecond),
		float64(e)/float64(a), c.wanted, used)
	return err
}

// once runs a command and returns its duration.
func once(ctx context.Context, home, base string, args []string) (time.Duration, error) {
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Env = environment(home, base)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	start := time.Now()
	if err := command.Run(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return time.Since(start), nil
}

func environment(home, base string) []string {
	return []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TLXHOOK_SESSION_TOKEN=token", "TLXHOOK_BASE_URL=" + base}
}

// memoryOf returns the peak memory of a command, in megabytes.
func memoryOf(ctx context.Context, home, base string, args []string) (float64, error) {
	command, used, err := measured(ctx, home, base, args)
	if err == nil {
		err = command.Run()
	}
	if err != nil {
		return 0, err
	}
	return megabytes(used)
}

// measured returns a command that writes its peak memory to used. A small process starts it, because the system
// attributes the memory of a parent to its child.
func measured(ctx context.Context, home, base string, args []string) (command *exec.Cmd, used *bytes.Buffer, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	command, used = exec.CommandContext(ctx, self, append([]string{"-memory", "--"}, args...)...), &bytes.Buffer{}
	command.Env, command.Stderr = environment(home, base), used
	return command, used, nil
}

func megabytes(used *bytes.Buffer) (float64, error) {
	kilobytes, err := strconv.ParseFloat(strings.TrimSpace(used.String()), 64)
	return kilobytes / 1000, err
}

func printMemory(ctx context.Context, args []string) error {
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Stdout = os.Stdout
	if err := command.Run(); err != nil {
		return err
	}
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		_, err := fmt.Fprintln(os.Stderr, usage.Maxrss)
		return err
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func build(ctx context.Context, folder string) (tlxhook, hello string, err error) {
	source := filepath.Join(folder, "hello.go")
	if err := os.WriteFile(source, []byte(anchor), 0o600); err != nil {
		return "", "", err
	}
	tlxhook, hello = filepath.Join(folder, "tlxhook"), filepath.Join(folder, "hello")
	for path, what := range map[string]string{tlxhook: "./cmd/tlxhook", hello: source} {
		command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, what)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if raw, err := command.CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("go build %s: %w\n%s", what, err, raw)
		}
	}
	return tlxhook, hello, nil
}

// serve answers lists of subscriptions from memory, so that only the client is measured. The first part of the path
// is the length of the list.
func serve(ctx context.Context) (base string, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	pages := map[string][]byte{}
	for _, total := range []int{10, 1000, 10000} {
		for _, count := range []int{1000, total} {
			for from := 0; from <= total; from += count {
				pages[fmt.Sprintf("/%d/v2/event/subscription %d %d", total, from, count)] = page(total, from, count)
			}
		}
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		body := pages[fmt.Sprintf("%s %d %s", r.URL.Path, from, r.URL.Query().Get("count"))]
		w.Header().Set("Content-Type", "application/json")
		_, _ = bytes.NewReader(body).WriteTo(w)
	})}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

func page(total, from, count int) []byte {
	var values []string
	for i := from; i < min(from+count, total); i++ {
		raw, err := json.Marshal(map[string]any{
			"id": 4711 + i, "version": 3, "url": "tripletex.no/v2/event/subscription/" + strconv.Itoa(4711+i), "event": "order.create",
			"targetUrl": "https://hooks.example.no/tripletex/" + strconv.Itoa(i),
			"fields":    "id,version,number", "status": "ACTIVE", "authHeaderName": nil,
		})
		if err != nil {
			return nil
		}
		values = append(values, string(raw))
	}
	return fmt.Appendf(nil, `{"fullResultSize":%d,"from":%d,"count":%d,"versionDigest":null,"values":[%s]}`,
		total, from, len(values), strings.Join(values, ","))
}
