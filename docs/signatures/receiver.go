// A receiver of Tripletex deliveries in Go: go run receiver.go.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

func main() {
	// Two secrets while one takes the place of the other.
	var secrets []string
	for _, name := range []string{"HMAC_SECRET", "HMAC_SECRET_PREVIOUS"} {
		if s := os.Getenv(name); s != "" {
			secrets = append(secrets, s)
		}
	}
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           webhook.Handler(http.HandlerFunc(receive), secrets...),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

// receive is called only for what is signed.
func receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	// Here: keep key and body, unless the key is kept already, and answer when they are on disk.
	_, _ = fmt.Fprintf(os.Stdout, "%s %d bytes\n", r.Header.Get(webhook.KeyHeader), len(body))
}
