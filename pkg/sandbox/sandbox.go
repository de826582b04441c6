// Package sandbox is a local Tripletex: sessions, events, subscriptions, objects and client companies behind an
// http.Handler, with the known responses, errors and limits of the service. Switches select uncertain behaviour.
package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// The tokens that a sandbox accepts. They are public: a sandbox holds no real data.
const (
	ConsumerToken = "sandbox-consumer-token"
	// EmployeeToken belongs to an employee with access to the own company and every client company.
	EmployeeToken = "sandbox-employee-token"
	// AccountantToken belongs to an accountant. In the own company it is limited to whoAmI and the list of client
	// companies, as on the service.
	AccountantToken = "sandbox-accountant-token"
	RefreshToken    = "tlxr_sandbox"
)

// basePath is the path of the API, as on the service.
const basePath = "/v2"

// maxBody is the maximum size of a request body in bytes, and bodyTime how long it may take to arrive. They bound what a
// client can occupy; those of the service are unknown.
const (
	maxBody  = 4 << 20
	bodyTime = 30 * time.Second
)

// Sandbox responds to requests like Tripletex.
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

// serve handles one request in one transaction on the state. If it returns an error, it has not written a response.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, maxBody)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		apiError(http.StatusRequestEntityTooLarge, 4000, "Request too large", fmt.Sprintf("The sandbox accepts %d bytes.", maxBody)).write(w)
		return nil
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client has disconnected or is too slow
	}
	request := &request{Request: r, body: body, now: time.Now().UTC()}
	var answer *reply
	var fault *Fault
	err = s.store.Update(r.Context(), func(state *State) error {
		fault = state.requestFault(r)
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

// readBody reads a body of at most most bytes within bodyTime.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // without a socket nothing is slow
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil { // otherwise the server would wait for the rest
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

func (s *Sandbox) answer(state *State, r *request, fault *Fault) *reply {
	r.switches = state.Switches
	limit := s.rate.count(state.RateLimit, r.now)
	if limit.exceeded {
		return tooManyRequests(state.Switches).limited(limit, state.Switches)
	}
	answer := fault.instead(state)
	switch {
	case answer == nil:
		answer = route(state, r)
	case answer.status == http.StatusTooManyRequests:
		return answer // already has the headers of an exceeded limit
	}
	return answer.limited(limit, state.Switches)
}

// request is an HTTP request with its body, time, switches and login.
type request struct {
	*http.Request
	body     []byte
	now      time.Time
	switches Switches
	login    login
}

// decode decodes the body, or returns an error reply.
func (r *request) decode(target any) *reply {
	if json.NewDecoder(bytes.NewReader(r.body)).Decode(target) != nil {
		return unmapped()
	}
	return nil
}

// decodeModel decodes an object and refuses fields that its model does not have or that have another type.
func (r *request) decodeModel(target any, model payload.Model) *reply {
	var fields map[string]json.RawMessage
	if refused := r.decode(&fields); refused != nil {
		return refused
	}
	if complaints := wrongFields(model, fields, ""); complaints != nil {
		return unmapped(complaints...)
	}
	return r.decode(target)
}
