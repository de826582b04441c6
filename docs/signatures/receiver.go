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
	// The current secret and, during a rotation, the previous one.
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

// receive handles deliveries with a valid signature.
func receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	// TODO: store key and body unless the key is known, and answer after they are on disk.
	_, _ = fmt.Fprintf(os.Stdout, "%s %d bytes\n", r.Header.Get(webhook.KeyHeader), len(body))
}
