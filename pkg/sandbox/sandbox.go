// Package sandbox is a local Tripletex: sessions, events, subscriptions and client companies behind an
// http.Handler, with the answers, errors, limits and quirks of the service as far as they are known.
// It leaves talking to it to any client, and says in its switches where the real behaviour is a guess.
package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// The tokens that a sandbox accepts. They are no secrets: a sandbox holds nothing worth hiding.
const (
	ConsumerToken = "sandbox-consumer-token"
	// EmployeeToken is of an employee who reaches the own company and every client company.
	EmployeeToken = "sandbox-employee-token"
	// AccountantToken is of an employee who, like a real accountant, can use the own company only for asking
	// who is logged in and which companies are reached.
	AccountantToken = "sandbox-accountant-token"
	RefreshToken    = "tlxr_sandbox"
)

// basePath is where the API begins, as on the service.
const basePath = "/v2"

// maxBody is the size in bytes above which a request is refused.
const maxBody = 16 << 20

// Sandbox answers requests as Tripletex would.
type Sandbox struct {
	store Store
	rate  rate
}

// New returns a sandbox over a store.
func New(store Store) *Sandbox {
	return &Sandbox{store: store}
}

// ServeHTTP implements http.Handler.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		apiError(http.StatusInternalServerError, 1000, "", err.Error()).write(w)
	}
}

// serve answers one request, which is one transaction on the state. It returns an error, and has written
// nothing, where the state cannot be used.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone, or sends more than any request needs
	}
	request := &request{Request: r, body: body, now: time.Now().UTC()}
	var answer reply
	var fault *Fault
	err = s.store.Update(r.Context(), func(state *State) error {
		fault = state.takeFault(r)
		answer = s.answer(state, request, fault)
		return nil
	})
	switch {
	case err != nil:
		return err
	case fault != nil:
		fault.play(w, r, answer)
	default:
		answer.write(w)
	}
	return nil
}

func (s *Sandbox) answer(state *State, r *request, fault *Fault) reply {
	r.switches = state.Switches
	limit := s.rate.count(state.RateLimit, r.now)
	if limit.exceeded {
		answer := tooManyRequests(state.Switches)
		answer.header = limit.headers(answer.header, state.Switches)
		return answer
	}
	early := fault.instead(state)
	if early != nil && early.status == http.StatusTooManyRequests {
		return *early // with the headers of a limit that is used up
	}
	var answer reply
	if early != nil {
		answer = *early
	} else {
		answer = route(state, r)
	}
	answer.header = limit.headers(answer.header, state.Switches)
	return answer
}

// request is one request with what every answer needs to know.
type request struct {
	*http.Request
	body     []byte
	now      time.Time
	switches Switches
	login    login
}

// decode reads the body strictly; the reply is what Tripletex says of a body that it cannot map.
func (r *request) decode(target any) *reply {
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	if err := decoder.Decode(target); err != nil {
		failed := apiError(http.StatusUnprocessableEntity, 16000, "Request mapping failed", "")
		return &failed
	}
	return nil
}

// unknownKeys returns the refusal of keys that an object does not have, or nil. Source: observed elsewhere.
func unknownKeys(object map[string]json.RawMessage, known ...string) *reply {
	var complaints []validation
	for _, key := range sortedKeys(object) {
		if !contains(known, key) {
			complaints = append(complaints, validation{Field: key, Message: "Feltet eksisterer ikke i objektet."})
		}
	}
	if complaints == nil {
		return nil
	}
	failed := apiError(http.StatusUnprocessableEntity, 16000, "Request mapping failed", "", complaints...)
	return &failed
}
