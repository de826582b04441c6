package calibrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// answer is a response.
type answer struct {
	status int
	header http.Header
	raw    []byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// refused reports whether the content or the call was refused, in contrast to a failure.
func (a answer) refused() bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}, a.status)
}

// decode decodes the body; a body of another shape leaves target unchanged.
func (a answer) decode(target any) { _ = json.Unmarshal(a.raw, target) }

// created returns the ID and the version of the object in the body.
func (a answer) created() (made struct{ ID, Version int64 }) {
	var body struct{ Value *struct{ ID, Version int64 } }
	a.decode(&body)
	if body.Value != nil {
		made.ID, made.Version = body.Value.ID, body.Value.Version
	}
	return made
}

// refusal returns the error of an unsuccessful response.
func (a answer) refusal(operation string) error {
	kind, known := map[int]tripletex.Kind{
		http.StatusUnauthorized: tripletex.Unauthorized, http.StatusForbidden: tripletex.Forbidden, http.StatusNotFound: tripletex.NotFound,
	}[a.status]
	switch {
	case a.ok():
		return nil
	case !known:
		kind = tripletex.Refused
	}
	var body struct{ Code int }
	a.decode(&body)
	return &tripletex.Error{Kind: kind, Operation: operation, Status: a.status, Code: body.Code}
}

// isRefusal reports whether an error is that of a response by which the service refuses a call.
func isRefusal(err error) bool {
	return slices.Contains([]tripletex.Kind{tripletex.Forbidden, tripletex.NotFound, tripletex.Refused}, tripletex.KindOf(err))
}

var errNotJSON = errors.New("the response is not JSON; check for a proxy or login page")

// foreign returns an error for a response that is not from Tripletex, and for a failing service.
func (a answer) foreign(operation string) error {
	switch {
	case a.status >= 500 && a.status != http.StatusNotImplemented:
		return &tripletex.Error{Kind: tripletex.ServerFailed, Operation: operation, Status: a.status}
	case a.status != http.StatusNotModified && a.status >= 300 && a.status < 400, len(a.raw) > 0 && !json.Valid(a.raw):
		return &tripletex.Error{Kind: tripletex.Foreign, Operation: operation, Status: a.status, Err: errNotJSON}
	}
	return nil
}

// pause returns the wait after a 429: that of the headers, or 10 seconds, at most a minute.
func (a answer) pause() time.Duration {
	for _, name := range []string{"Retry-After", "X-Rate-Limit-Reset"} {
		if seconds, err := strconv.Atoi(a.header.Get(name)); err == nil && seconds >= 0 {
			return min(time.Duration(seconds)*time.Second, time.Minute)
		}
	}
	return 10 * time.Second
}

// pattern returns a path without IDs and query.
func pattern(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return regexp.MustCompile(`\d+`).ReplaceAllString(path, "{id}")
}

// evidence describes an exchange without IDs, names and secrets: the status, the code and the refused fields.
func evidence(method, path string, a answer) string {
	var body struct {
		Code               int
		ValidationMessages []struct{ Field string }
	}
	a.decode(&body)
	text := fmt.Sprintf("%s %s: %d", method, pattern(path), a.status)
	if body.Code != 0 {
		text += "/" + strconv.Itoa(body.Code)
	}
	var fields []string
	for _, v := range body.ValidationMessages {
		if isName(v.Field) && !slices.Contains(fields, v.Field) {
			fields = append(fields, v.Field)
		}
	}
	if fields != nil {
		text += " (" + strings.Join(fields, ", ") + ")"
	}
	return text
}

// isName reports whether a text from outside is the name of a field.
func isName(text string) bool {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9:.]{0,63}$`).MatchString(text)
}
