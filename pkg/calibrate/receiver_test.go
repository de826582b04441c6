package calibrate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
)

// The receiver is reachable from the Internet: it keeps nothing that the run does not expect.
func TestReceiverIgnoresForeignRequests(t *testing.T) {
	t.Parallel()
	receiver := &calibrate.Receiver{}
	for _, path := range []string{"/", "/tlxhook-calibrate/", "/tlxhook-calibrate/x/plain"} {
		recorder := httptest.NewRecorder()
		receiver.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("{}")))
		if recorder.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, recorder.Code)
		}
	}
}

// A probe arrives only at the receiver that sent it.
func TestProbeReachesItsReceiver(t *testing.T) {
	t.Parallel()
	mine, other := &calibrate.Receiver{}, &calibrate.Receiver{}
	behind := http.StripPrefix("/path", mine)
	for name, test := range map[string]struct {
		handler http.Handler
		path    string
		want    string
	}{
		"own":       {mine, "", "<nil>"},
		"a slash":   {mine, "/", "<nil>"},
		"a path":    {behind, "/path", "<nil>"},
		"another":   {other, "", "something else answered 404 there"},
		"redirect":  {http.RedirectHandler("https://hooks.example.no/", http.StatusFound), "", "something else answered 302 there"},
		"all right": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "", "something else answered 200 there"},
	} {
		server := httptest.NewServer(test.handler)
		err := mine.Probe(t.Context(), server.URL+test.path)
		server.Close()
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	err := mine.Probe(t.Context(), "http://127.0.0.1:1/canary")
	if err == nil {
		t.Fatal("no error without a server")
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows the path: %v", err)
	}
}
