package calibrate_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestProductionIsRefusedWithoutARequest(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		tripletex.Production, "https://TRIPLETEX.no/v2", "https://tripletex.no./v2", "https://api.tripletex.no/v2", "https://tripletex.no:443/v2",
	} {
		_, err := calibrate.Run(t.Context(), calibrate.Options{BaseURL: base, Transport: via(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s was requested", base)
			return nil, errors.New("refused")
		})})
		if !errors.Is(err, calibrate.ErrProduction) {
			t.Errorf("%s: %v, want ErrProduction", base, err)
		}
	}
	for _, base := range []string{tripletex.Test, "http://127.0.0.1:8090/v2", "https://nottripletex.no/v2"} {
		if err := calibrate.CheckBaseURL(base, false); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// A URL that the client refuses gets no token: no request is sent.
func TestRefusedBaseURLsAreNotRequested(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"http://203.0.113.9/v2":             "http is allowed only for loopback addresses",
		"http://sandbox:8099/v2":            "http is allowed only for loopback addresses",
		"https://user:password@h.no/v2":     "must have no userinfo",
		"http://user:password@127.0.0.1/v2": "must have no userinfo",
		"https://h.no/v2?token=1":           "must have no userinfo, query or fragment",
		"https://h.no/v2#x":                 "must have no userinfo, query or fragment",
		"https://h.no/v2?":                  "must have no userinfo, query or fragment",
		"https://h.no/v2/#":                 "must have no userinfo, query or fragment",
		"ftp://h.no/v2":                     "must be absolute",
		"h.no/v2":                           "must be absolute",
		"":                                  "must be absolute",
		"http://[::1":                       "not a URL",
	} {
		_, err := calibrate.Run(t.Context(), calibrate.Options{BaseURL: base, Transport: via(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s was requested", base)
			return nil, errors.New("refused")
		})})
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want it to contain %q", base, err, want)
		}
		if strings.Contains(fmt.Sprint(err), "password") {
			t.Errorf("%s: the error shows the password: %v", base, err)
		}
	}
	if err := calibrate.CheckBaseURL("http://sandbox:8099/v2", true); err != nil {
		t.Errorf("a sandbox in a container: %v", err)
	}
}
