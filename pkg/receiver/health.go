package receiver

import (
	"errors"
	"net/http"
)

// HealthHandler answers /-/healthy with 200 while the process serves, and /-/ready with 200 while every check returns
// nil, otherwise with 503. Handlers can be added. Its error texts contain nothing confidential.
func HealthHandler(checks ...func() error) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("healthy\n")) })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		var wrong error
		for _, check := range checks {
			wrong = errors.Join(wrong, check())
		}
		if wrong != nil {
			http.Error(w, wrong.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	return mux
}
