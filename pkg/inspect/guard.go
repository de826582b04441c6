package inspect

import (
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
)

const (
	tokenParameter = "token"
	// policy loads scripts and styles from the page alone, forbids frames, and makes the browser refuse HTML in a string.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	// maxRequest is the maximum size in bytes of a request of the page, which has an edited body.
	maxRequest = 4 << 20
)

// protect lets requests through that come from the page itself. The first one brings the token in its URL, and gets a
// cookie for the others.
func (s *Server) protect(next http.Handler) http.Handler {
	hosts := s.hosts()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		switch {
		case !slices.Contains(hosts, strings.ToLower(r.Host)):
			http.Error(w, "wrong host name", http.StatusMisdirectedRequest)
		case isForeign(r):
			http.Error(w, "cross-site requests are not allowed", http.StatusForbidden)
		case s.brings(r):
			s.open.Do(func() { close(s.opened) })
			http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			next.ServeHTTP(w, r)
		case !s.known(r):
			http.Error(w, "open the URL that tlxhook printed; it changes with every start", http.StatusForbidden)
		case r.Method == http.MethodPost && !isJSON(r):
			http.Error(w, "only application/json is allowed", http.StatusUnsupportedMediaType)
		case r.Method == http.MethodPost && s.o.ReadOnly:
			http.Error(w, "the page is read-only", http.StatusForbidden)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
			next.ServeHTTP(w, r)
		}
	})
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// hosts returns the values of the Host header that name this server. Another name may belong to an attacker who has
// pointed it at this machine.
func (s *Server) hosts() []string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String()) // a listener has both
	hosts := []string{net.JoinHostPort(host, port), net.JoinHostPort("localhost", port)}
	if port == "80" {
		hosts = append(hosts, strings.TrimSuffix(hosts[0], ":80"), "localhost")
	}
	return hosts
}

// isForeign reports whether a request comes from another page. A link of another page may open this one. A change needs an
// Origin, which every browser sends with it.
func isForeign(r *http.Request) bool {
	opens := r.Method == http.MethodGet && r.URL.Path == "/" &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "none" && site != "same-origin" && !opens {
			return true
		}
	}
	origins := r.Header.Values("Origin")
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return len(origins) > 1 || !reads && len(origins) == 0 || len(origins) == 1 && origins[0] != "http://"+r.Host
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// brings reports whether a request opens the page with the token.
func (s *Server) brings(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" && s.isToken(r.URL.Query().Get(tokenParameter))
}

// known reports whether a request has the cookie. Another server of the same host may have set one of the same name.
func (s *Server) known(r *http.Request) bool {
	return slices.ContainsFunc(r.CookiesNamed(s.cookieName()), func(c *http.Cookie) bool { return s.isToken(c.Value) })
}

func (s *Server) isToken(text string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(s.token)) == 1
}

// cookieName has the port, as browsers share cookies between the ports of a host.
func (s *Server) cookieName() string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String()) // a listener has one
	return "tlxhook-" + port
}
