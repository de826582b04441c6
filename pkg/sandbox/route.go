package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// handler returns the response to a request.
type handler func(*State, *request) *reply

// endpoint is a method and a path; a final "{}" matches one segment.
type endpoint struct {
	method, path string
	open         bool // needs no session
	handle       handler
}

func endpoints() []endpoint {
	return []endpoint{
		{http.MethodPost, "/token/session/:create", true, createSession},
		{http.MethodPut, "/token/session/:create", true, createSessionLegacy},
		{http.MethodPost, "/token/session/:createFromRefreshToken", true, createSessionFromRefreshToken},
		{http.MethodGet, "/token/session/>whoAmI", false, whoAmI},
		{http.MethodDelete, "/token/session/{}", false, deleteSession},
		{http.MethodGet, "/company/>withLoginAccess", false, listCompanies},
		{http.MethodGet, "/event", true, listEvents},
		{http.MethodGet, "/event/subscription", false, listSubscriptions},
		{http.MethodPost, "/event/subscription", false, createSubscription},
		{http.MethodPost, "/event/subscription/list", false, createSubscriptions},
		{http.MethodPut, "/event/subscription/list", false, updateSubscriptions},
		{http.MethodDelete, "/event/subscription/list", false, deleteSubscriptions},
		{http.MethodGet, "/event/subscription/{}", false, showSubscription},
		{http.MethodPut, "/event/subscription/{}", false, updateSubscription},
		{http.MethodDelete, "/event/subscription/{}", false, deleteSubscription},
		{http.MethodGet, "/event/{}", false, showEvent},
	}
}

// route finds the endpoint of a request, checks the session and returns the response.
func route(state *State, r *request) *reply {
	path, below := strings.CutPrefix(r.URL.Path, basePath)
	if !below {
		return apiError(http.StatusNotFound, 6000, "Object not found", "The API of the sandbox is below "+basePath+".")
	}
	known := false
	for _, e := range append(endpoints(), entityEndpoints()...) {
		if !matches(e.path, path) {
			continue
		}
		if e.method != r.Method {
			known = true
			continue
		}
		if !e.open {
			if refused := r.logIn(state, path); refused != nil {
				return refused
			}
		}
		return e.handle(state, r)
	}
	if known {
		return apiError(http.StatusMethodNotAllowed, 4000, "Method not allowed", "")
	}
	if slices.Contains([]string{"/token/session", "/whoAmI"}, path) { // observed
		return notFound()
	}
	return apiError(http.StatusNotImplemented, 1000, "",
		fmt.Sprintf("%s %s is not part of the sandbox; it may exist in Tripletex.", r.Method, path))
}

func matches(pattern, path string) bool {
	head, wild := strings.CutSuffix(pattern, "{}")
	if !wild {
		return pattern == path
	}
	rest, ok := strings.CutPrefix(path, head)
	return ok && rest != "" && !strings.Contains(rest, "/")
}

// lastSegment returns the last segment of the path.
func (r *request) lastSegment() string { return r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:] }

// pathID returns the ID in the path, or an error reply for a value that is not a number.
func (r *request) pathID() (int64, *reply) {
	text := r.lastSegment()
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, wrongFormat("number", text)
	}
	return id, nil
}
