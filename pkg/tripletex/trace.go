package tripletex

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Exchange is a request and its response for a debug trace, with secrets redacted.
type Exchange struct {
	Method   string
	URL      string
	Status   int         // 0 without a response
	Headers  http.Header // of the response, without those that may contain secrets
	Sent     string      // request body; replaced by a note if it has 16 KiB or more, or is not JSON
	Received string      // response body; as Sent
	Duration time.Duration
	Err      error
}

// traceLimit is the number of bytes of a body that a trace reads.
const traceLimit = 16 << 10

// Traced returns a transport that calls report after each request, with secrets removed. A [Client] does so with
// [Options].Trace.
func Traced(next http.RoundTripper, report func(Exchange)) http.RoundTripper {
	return tracer{next, report}
}

// tracer is an http.RoundTripper that reports each exchange.
type tracer struct {
	next   http.RoundTripper
	report func(Exchange)
}

func (t tracer) RoundTrip(request *http.Request) (*http.Response, error) {
	e := Exchange{Method: request.Method, URL: traceURL(request.URL), Sent: sentBody(request)}
	start := time.Now()
	response, err := t.next.RoundTrip(request)
	if err != nil {
		e.Duration, e.Err = time.Since(start), withoutURL(err)
		t.report(e)
		return nil, err
	}
	e.Status, e.Headers = response.StatusCode, traceHeaders(response.Header)
	head, err := io.ReadAll(io.LimitReader(response.Body, traceLimit))
	e.Duration, e.Received, e.Err = time.Since(start), traceBody(head), err
	t.report(e)
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), failing{err}, response.Body), response.Body}
	return response, nil
}

// failing is a reader that returns an error, or io.EOF without one.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// traceURL masks values in the path, the query when a session is created, and the token when one is deleted.
func traceURL(u *url.URL) string {
	text, query, hasQuery := strings.Cut(u.String(), "?")
	before, after, ok := strings.Cut(text, "/token/session/")
	switch {
	case ok && !strings.HasPrefix(after, ":") && !strings.HasPrefix(after, "%3E"):
		return secret.MaskURL(before) + "/token/session/" + secret.Mask
	case hasQuery && strings.Contains(text, "/token/"):
		return secret.MaskURL(text + "?" + query)
	case hasQuery:
		return secret.MaskURL(text) + "?" + query
	}
	return secret.MaskURL(text)
}

// traceHeaders returns the useful headers that cannot contain a secret.
func traceHeaders(all http.Header) http.Header {
	kept := http.Header{}
	for name, values := range all {
		if strings.HasPrefix(name, "X-Rate-Limit-") ||
			slices.Contains([]string{requestIDHeader, "Content-Type", "Content-Length", "Date", "Retry-After", "Server"}, name) {
			kept[name] = values
		}
	}
	return kept
}

func sentBody(request *http.Request) string {
	if request.GetBody == nil {
		return ""
	}
	body, err := request.GetBody()
	if err != nil {
		return ""
	}
	defer func() { _ = body.Close() }()
	head, err := io.ReadAll(io.LimitReader(body, traceLimit))
	if err != nil {
		return ""
	}
	return traceBody(head)
}

// traceBody redacts the secrets in a JSON body. A body that is cut off or not JSON is not shown, because its secrets
// cannot be found.
func traceBody(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var parsed any
	if len(body) == traceLimit || decoder.Decode(&parsed) != nil {
		return "(body not shown: too long or not JSON)"
	}
	masked, err := json.Marshal(maskJSON("", parsed))
	if err != nil {
		return ""
	}
	return string(masked)
}

func maskJSON(key string, node any) any {
	switch node := node.(type) {
	case map[string]any:
		for k, v := range node {
			node[k] = maskJSON(k, v)
		}
		return node
	case []any:
		for i, v := range node {
			node[i] = maskJSON(key, v)
		}
		return node
	case string:
		switch key {
		case "targetUrl":
			return secret.MaskURL(node)
		case "token", "consumerToken", "employeeToken", "refreshToken", "encryptionKey", "authHeaderValue", "hmacSharedSecret":
			return secret.Redacted
		}
	}
	return node
}
