package sandbox

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// reply is a response before it is written.
type reply struct {
	status int
	header http.Header
	body   any // nil for none, []byte for raw bytes, else JSON
}

func (a *reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	raw := a.bytes()
	w.Header().Set("X-Tlx-Request-Id", a.requestID())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if len(raw) > 0 {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	}
	w.WriteHeader(a.status)
	_, _ = bytes.NewReader(raw).WriteTo(w) // the client has disconnected
}

func (a *reply) bytes() []byte {
	switch body := a.body.(type) {
	case nil:
		return nil
	case []byte:
		return body
	default:
		raw, err := marshal(body)
		if err != nil {
			return fmt.Appendf(nil, `{"status":500,"message":%q}`, err.Error())
		}
		return raw
	}
}

func (a *reply) requestID() string {
	if e, ok := a.body.(errorBody); ok {
		return e.RequestID
	}
	return newRequestID()
}

func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

type errorBody struct {
	Status             int          `json:"status"`
	Code               int          `json:"code"`
	Message            *string      `json:"message"`
	Link               string       `json:"link"`
	DeveloperMessage   *string      `json:"developerMessage"`
	ValidationMessages []validation `json:"validationMessages"`
	RequestID          string       `json:"requestId"`
}

type validation struct {
	Field   string  `json:"field"`
	Message string  `json:"message"`
	Path    *string `json:"path"`
	RootID  *int64  `json:"rootId"`
}

// at returns v with its path: "null.field" for a single object, "list[i].field" in a bulk call.
func (v validation) at(path string) validation {
	path += "." + v.Field
	v.Path = &path
	return v
}

func apiError(status, code int, message, developer string, complaints ...validation) *reply {
	return &reply{status: status, body: errorBody{
		Status: status, Code: code, Message: orNull(message), Link: "https://tripletex.no/v2-docs/",
		DeveloperMessage: orNull(developer), ValidationMessages: complaints, RequestID: newRequestID(),
	}}
}

func invalid(complaints ...validation) *reply {
	return apiError(http.StatusUnprocessableEntity, 18000, "Validering feilet.", "", complaints...)
}

func unmapped(complaints ...validation) *reply {
	return apiError(http.StatusUnprocessableEntity, 16000, "Request mapping failed", "", complaints...)
}

func wrongFormat(expected, text string) *reply {
	message := fmt.Sprintf("Wrong data format! Expected %s. For input string: %q", expected, text)
	return apiError(http.StatusUnprocessableEntity, 21000, message, "")
}

func unauthorized(developer string) *reply {
	return apiError(http.StatusUnauthorized, 3000, "Unauthorized", developer)
}

func forbidden(developer string) *reply {
	return apiError(http.StatusForbidden, 9000, "You do not have permission to access this feature.", developer)
}

func noContent() *reply { return &reply{status: http.StatusNoContent} }

func notFound() *reply { return apiError(http.StatusNotFound, 6000, "Object not found", "") }

func moved() *reply { return apiError(http.StatusConflict, 8000, "RevisionException", "") }

func value(status int, v any) *reply {
	return &reply{status: status, body: map[string]any{"value": v}}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
