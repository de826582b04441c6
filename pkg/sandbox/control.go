package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/badjson"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// ControlPath is the path of the calls that control a served sandbox. They are not part of Tripletex.
const ControlPath = "/sandbox"

// maxControlBody is the maximum size of a request body in bytes.
const maxControlBody = 1 << 20

// control handles the calls below ControlPath. Neither faults nor the rate limit apply to them.
type control struct {
	store     Store
	deliverer *Deliverer
	switches  Switches // kept by a reset
}

// controlCall is a call and its action, which returns the body of the response.
type controlCall struct {
	method, path string
	do           func(*control, *http.Request) (any, error)
}

func controlCalls() []controlCall {
	return []controlCall{
		{http.MethodGet, "/health", (*control).health},
		{http.MethodPost, "/emit", (*control).emit},
		{http.MethodPost, "/reset", (*control).reset},
		{http.MethodGet, "/faults", (*control).listFaults},
		{http.MethodPost, "/faults", (*control).addFault},
		{http.MethodDelete, "/faults", (*control).clearFaults},
	}
}

// problem is the error of a call, in the JSON form of all errors.
type problem struct {
	status int
	Code   string `json:"code"`
	Text   string `json:"message"`
	Hint   string `json:"hint,omitempty"`
}

func (p *problem) Error() string { return p.Text }

func badRequest(hint, format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, "usage", fmt.Sprintf(format, args...), hint}
}

// ServeHTTP implements http.Handler.
func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, ControlPath)
	var allowed, paths []string
	for _, call := range controlCalls() {
		paths = append(paths, call.method+" "+ControlPath+call.path)
		if call.path != path {
			continue
		}
		if call.method == r.Method || call.method == http.MethodGet && r.Method == http.MethodHead {
			c.run(w, r, call)
			return
		}
		allowed = append(allowed, call.method)
	}
	failure := &problem{http.StatusNotFound, "not_found", "path not found: " + r.URL.Path, "use one of: " + strings.Join(paths, ", ")}
	if allowed != nil {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		failure = &problem{http.StatusMethodNotAllowed, "usage", "method not allowed: " + r.Method, "use " + strings.Join(allowed, " or ")}
	}
	failure.write(w)
}

// run performs a call and writes its result or its failure.
func (c *control) run(w http.ResponseWriter, r *http.Request, call controlCall) {
	body, err := readBody(w, r, maxControlBody)
	if err != nil {
		badRequest("send one JSON object", "body: %s", err).write(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	result, err := call.do(c, r)
	failure, known := errors.AsType[*problem](err)
	switch {
	case err == nil:
		(&reply{status: http.StatusOK, body: result}).write(w)
	case known:
		failure.write(w)
	default:
		(&problem{http.StatusInternalServerError, "local_io", err.Error(), "create a new sandbox with tlxhook sandbox reset"}).write(w)
	}
}

func (p *problem) write(w http.ResponseWriter) {
	(&reply{status: p.status, body: map[string]any{"error": p}}).write(w)
}

// read decodes the body into target. Unknown names and a second value are errors; an empty body changes nothing.
func read(r *http.Request, target any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(target)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("more than one value")
	}
	if err != nil {
		return badRequest("send one JSON object", "body: %s", badjson.Reason(err))
	}
	return nil
}

// update changes the state. Its error is that of the state, not of the request.
func (c *control) update(ctx context.Context, change func(*State)) error {
	return c.store.Update(ctx, func(s *State) error { change(s); return nil })
}

// health returns an error if the state cannot be read.
func (c *control) health(r *http.Request) (any, error) {
	return map[string]string{"status": "ok"}, c.update(r.Context(), func(*State) {})
}

// Emitting is the result of POST /sandbox/emit.
type Emitting struct {
	ObjectIDs  []int64 `json:"objectIds"`
	Deliveries []any   `json:"deliveries"` // sender.AttemptRecord
	// SkippedIDs are subscriptions that are too new to receive events; see the switch propagation.
	SkippedIDs []int64 `json:"skippedSubscriptionIds"`
}

func (c *control) emit(r *http.Request) (any, error) {
	e := Emission{Count: 1}
	if err := read(r, &e); err != nil {
		return nil, err
	}
	if err := e.Check(); err != nil {
		return nil, badRequest("", "%s", err)
	}
	e.Host = r.Host
	all, err := c.deliverer.Emit(r.Context(), e)
	if err != nil {
		return nil, emitProblem(err)
	}
	result := Emitting{ObjectIDs: all.Objects, Deliveries: []any{}, SkippedIDs: append([]int64{}, all.Skipped...)}
	for _, a := range all.Attempts {
		result.Deliveries = append(result.Deliveries, a.Record(secret.MaskURL))
	}
	return result, nil
}

// emitProblem returns the response for an event, object or company that does not exist, and any other error unchanged.
func emitProblem(err error) error {
	for cause, hint := range map[error]string{
		ErrNoEvent:   "list the events with GET /v2/event",
		ErrNoObject:  "omit objectId for the newest object, or create one with POST on its path",
		ErrNoCompany: "list the companies with GET /v2/company/>withLoginAccess",
	} {
		if errors.Is(err, cause) {
			return &problem{http.StatusNotFound, "not_found", err.Error(), hint}
		}
	}
	if errors.Is(err, ErrNewID) {
		return badRequest("omit objectId", "%s", err)
	}
	return err
}

// resetting is the body of POST /sandbox/reset.
type resetting struct {
	Companies     int      `json:"companies"`
	Subscriptions int      `json:"subscriptions"`
	RateLimit     string   `json:"rateLimit"`
	Switches      Switches `json:"switches"`
}

// reset replaces the state. The speed and the switches of the server are kept, unless the body has other switches.
func (c *control) reset(r *http.Request) (any, error) {
	o := DefaultOptions()
	body := resetting{Companies: o.Companies}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if err := o.apply(body, c.switches); err != nil {
		return nil, badRequest("", "%s", err)
	}
	err := c.update(r.Context(), func(s *State) {
		speed := s.Speed
		*s = *NewState(o)
		s.Speed = speed
	})
	return map[string]any{"companies": o.Companies, "subscriptions": o.Subscriptions, "switches": o.Switches}, err
}

// apply sets the options of a body, with switches below those of the body.
func (o *Options) apply(body resetting, switches Switches) (err error) {
	o.Companies, o.Subscriptions = body.Companies, body.Subscriptions
	maps.Copy(o.Switches, switches)
	for _, name := range sortedKeys(body.Switches) {
		if err := o.Switches.Set(name + "=" + body.Switches[name]); err != nil {
			return err
		}
	}
	if body.RateLimit != "" {
		if o.RateLimit, err = ParseRateLimit(body.RateLimit); err != nil {
			return fmt.Errorf("rateLimit %w", err)
		}
	}
	return o.Check()
}

func (c *control) listFaults(r *http.Request) (any, error) { return c.changeFaults(r, false, Fault{}) }

func (c *control) clearFaults(r *http.Request) (any, error) { return c.changeFaults(r, true, Fault{}) }

func (c *control) addFault(r *http.Request) (any, error) {
	var record FaultRecord
	if err := read(r, &record); err != nil {
		return nil, err
	}
	fault := record.Fault()
	if err := fault.Check(); err != nil {
		return nil, badRequest("", "%s", err)
	}
	return c.changeFaults(r, false, fault)
}

// changeFaults returns the active faults after a change.
func (c *control) changeFaults(r *http.Request, clear bool, added Fault) (any, error) {
	records := []FaultRecord{}
	err := c.update(r.Context(), func(s *State) {
		for _, f := range s.ChangeFaults(clear, added) {
			records = append(records, f.Record())
		}
	})
	return records, err
}
