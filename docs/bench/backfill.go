//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pageLoop is a Go program that only reads and decodes the pages of a list.
const pageLoop = `package main

import ("encoding/json"; "fmt"; "net/http"; "os")

func main() {
	n := 0
	for from := 0; ; from += 1000 {
		response, err := http.Get(fmt.Sprintf("%s/product?from=%d&count=1000&fields=id,version&sorting=id", os.Getenv("TLXHOOK_BASE_URL"), from))
		if err != nil { panic(err) }
		var page struct { Values []struct { ID, Version int64 } }
		if err := json.NewDecoder(response.Body).Decode(&page); err != nil { panic(err) }
		response.Body.Close()
		n += len(page.Values)
		if len(page.Values) < 1000 { break }
	}
	fmt.Println(n)
}
`

// benchBackfill compares a backfill of objects that are up to date with a loop over their pages.
func benchBackfill(ctx context.Context, tlxhook, folder string, objects, runs int, out io.Writer) error {
	loop := filepath.Join(folder, "pages")
	source := filepath.Join(folder, "pages.go")
	if err := os.WriteFile(source, []byte(pageLoop), 0o600); err != nil {
		return err
	}
	if raw, err := exec.CommandContext(ctx, "go", "build", "-o", loop, source).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, raw)
	}
	base, stop, err := serveObjects(ctx, objects, 0)
	if err != nil {
		return err
	}
	defer stop()
	args := []string{tlxhook, "backfill", "product", "-q"}
	start := time.Now()
	if _, err := once(ctx, folder, base, args); err != nil {
		return err
	}
	first := time.Since(start)
	used, err := memoryOf(ctx, folder, base, args)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\nfirst backfill of %d objects: %s\nmemory of the second: %.1f MB\n",
		objects, first.Round(10*time.Millisecond), used)
	args = append(args, "--dry-run")
	near := contest{"backfill without changes / a page loop", []string{loop}, args, base, 1.5}
	if err := near.run(ctx, runs, folder, out); err != nil {
		return err
	}
	base, stop, err = serveObjects(ctx, objects, 2*latency)
	if err != nil {
		return err
	}
	defer stop()
	far := contest{"the same with a latency of 100 ms", []string{loop}, args, base, 0.5}
	return far.run(ctx, min(runs, 3), folder, out)
}

// serveObjects answers lists of products from memory after a delay.
func serveObjects(ctx context.Context, objects int, delay time.Duration) (base string, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	versions, values := make([]string, objects), make([]string, objects)
	for i := range objects {
		versions[i] = fmt.Sprintf(`{"id":%d,"version":%d}`, 10_000_000+i, i%7)
		values[i] = fmt.Sprintf(`{"id":%d,"version":%d,"url":"tripletex.no/v2/product/%[1]d","name":"Product %[1]d","number":"%[3]d"}`,
			10_000_000+i, i%7, i)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(delay)
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/v2/product":
			from, _ := strconv.Atoi(r.URL.Query().Get("from"))
			from = min(from, objects)
			some := versions[from:min(from+1000, objects)]
			if r.URL.Query().Get("fields") == "" {
				some = values[from:min(from+1000, objects)]
			}
			_, _ = fmt.Fprintf(w, `{"fullResultSize":%d,"from":%d,"count":%d,"versionDigest":null,"values":[%s]}`,
				objects, from, len(some), strings.Join(some, ","))
		case "/v2/event/subscription":
			_, _ = io.WriteString(w, `{"fullResultSize":0,"from":0,"count":0,"values":[]}`)
		default:
			_, _ = io.WriteString(w, `{"value":{"companyId":1}}`)
		}
	})}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String() + "/v2", func() { _ = server.Close() }, nil
}
