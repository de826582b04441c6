package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// receive starts a receiver of deliveries and names its address in $RECEIVER and $RECEIVER_HOST: receive FILE. A
// delivery to /503 is answered with 503, and so on, and one to /silence not at all. The file holds the latest one, as
// it came over the wire.
func receive(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("%v", "usage: neg = true, want false")
	}
	if len(args) != 1 {
		ts.Fatalf("usage: len(args) = %v, want 1", len(args))
	}
	path := ts.MkAbs(args[0])
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got, err := httputil.DumpRequest(r, true)
		if err == nil {
			err = os.WriteFile(path, got, 0o600)
		}
		mu.Unlock()
		if r.URL.Path == "/silence" {
			<-r.Context().Done()
			return
		}
		status, noStatus := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if err != nil || noStatus != nil {
			status = http.StatusInternalServerError
		}
		w.Header().Set("Location", "/200")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "answer %d \x1b[31m ", status)
		_ = r.Header.Write(w) // a receiver may say what it was told
	}))
	ts.Defer(server.Close)
	ts.Setenv("RECEIVER", server.URL)
	ts.Setenv("RECEIVER_HOST", server.Listener.Addr().String())
}
