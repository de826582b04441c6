package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// hugeSize is the size in bytes of the response for the fault "huge".
const hugeSize = 1 << 30

// play writes the response to a request with the fault.
func (f *Fault) play(w http.ResponseWriter, r *http.Request, answer *reply) {
	switch f.Kind {
	case "slow":
		if wait.For(r.Context(), f.Delay) != nil {
			return
		}
	case "hang":
		<-r.Context().Done()
		return
	case "reset", "reset-after":
		panic(http.ErrAbortHandler)
	case "truncated":
		raw := answer.bytes()
		answer.body = raw[:len(raw)/2]
	case "huge":
		writeHuge(w)
		return
	case "unknown-status":
		answer.body = bytes.ReplaceAll(answer.bytes(), []byte(`"status":"ACTIVE"`), []byte(`"status":"ON_HOLD"`))
	case "endless":
		answer.body = endless(answer.bytes())
	}
	answer.write(w)
}

func writeHuge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(http.StatusOK)
	block := []byte(strings.Repeat(`{"id":1},`, 8<<10))
	_, _ = io.WriteString(w, `{"values":[`)
	for sent := 0; sent < hugeSize; sent += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// endless replaces every page of a list with the same full page.
func endless(raw []byte) []byte {
	var list map[string]any
	if json.Unmarshal(raw, &list) != nil || list["values"] == nil {
		return raw
	}
	values := make([]any, 1000)
	for i := range values {
		values[i] = map[string]any{
			"id": i + 1, "version": 0, "event": "order.create", "status": statusActive, "targetUrl": "https://hooks.example.no/",
		}
	}
	list["values"], list["count"], list["fullResultSize"] = values, len(values), 1<<30
	changed, err := json.Marshal(list)
	if err != nil {
		return raw
	}
	return changed
}
