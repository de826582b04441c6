package tripletex

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Credentials are the tokens for creating a session: a consumer and an employee token, a refresh token, or a session
// token, which cannot be renewed.
type Credentials struct {
	ConsumerToken secret.Text
	EmployeeToken secret.Text
	RefreshToken  secret.Text
	SessionToken  secret.Text
}

// Get returns c, for the field Credentials of [Options].
func (c Credentials) Get(context.Context) (Credentials, error) { return c, nil }

// Session is a session token with its expiry time.
type Session struct {
	Token   secret.Text
	Expires time.Time // zero if unknown
}

// SessionCache shares a session between processes. Its methods return no error, because a failure costs only one more
// request for a session.
type SessionCache interface {
	// Load returns the stored session, or false.
	Load(ctx context.Context) (Session, bool)
	// Save stores a session and replaces the previous one.
	Save(ctx context.Context, s Session)
}

// refreshTTL is the maximum lifetime of a session from a refresh token in seconds. Source: observed.
const refreshTTL = 28800

// expiryMargin is how long before its expiry a session is renewed.
const expiryMargin = time.Minute

type sessionToken struct {
	Token string `json:"token"`
}

// CreateSession creates a session from the credentials of the client without using the cache. A session from a
// consumer and an employee token lasts one to two days, one from a refresh token 8 hours.
//
// POST /token/session/:create (PUT if the server has no POST), or POST /token/session/:createFromRefreshToken.
func (c *Client) CreateSession(ctx context.Context) (Session, error) {
	credentials, err := c.sessions.source(ctx)
	if err != nil {
		return Session{}, err
	}
	return c.createSession(ctx, credentials)
}

// createSession creates a session. Refused tokens and dates of a wrong clock result in an Unauthorized error, also with
// status 422.
func (c *Client) createSession(ctx context.Context, credentials Credentials) (Session, error) {
	created, err := c.requestSession(ctx, credentials)
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Refused && (e.isAboutTokens() || e.ClockSkew != 0) {
		e.Kind = Unauthorized
	}
	return created, err
}

// isAboutTokens reports whether an invalid field is a token, such as "arg:employeeToken".
func (e *Error) isAboutTokens() bool {
	return slices.ContainsFunc(e.Validation, func(v Validation) bool { return strings.HasSuffix(v.Field, "Token") })
}

func (c *Client) requestSession(ctx context.Context, credentials Credentials) (Session, error) {
	switch {
	case credentials.ConsumerToken != "" && credentials.EmployeeToken != "":
		return c.createSessionFromTokens(ctx, credentials)
	case credentials.RefreshToken != "":
		return c.createSessionFromRefreshToken(ctx, credentials.RefreshToken)
	case credentials.SessionToken != "":
		return Session{}, &Error{Kind: Unauthorized, Operation: "renew session", Err: errNotRenewable}
	default:
		return Session{}, &Error{Kind: Unauthorized, Err: ErrNoCredentials}
	}
}

func (c *Client) createSessionFromTokens(ctx context.Context, credentials Credentials) (Session, error) {
	date, expires := sessionEnd(time.Now())
	call := call{
		operation: "create session", method: http.MethodPost, path: "/token/session/:create",
		anonymous: true, repeatable: true,
		body: map[string]string{
			"consumerToken":  credentials.ConsumerToken.Reveal(),
			"employeeToken":  credentials.EmployeeToken.Reveal(),
			"expirationDate": date,
		},
	}
	created, err := value[sessionToken](ctx, c, call)
	if noSuchCall(err) {
		call.method, call.body = http.MethodPut, nil
		call.query = url.Values{
			"consumerToken":  {credentials.ConsumerToken.Reveal()},
			"employeeToken":  {credentials.EmployeeToken.Reveal()},
			"expirationDate": {date},
		}
		created, err = value[sessionToken](ctx, c, call)
	}
	return Session{secret.Text(created.Token), expires}, err
}

// noSuchCall reports whether a server does not support the path or the method.
func noSuchCall(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, e.Status)
}

// createSessionFromRefreshToken retries on 409, which the service returns to one of two clients that use the same
// refresh token at the same time. Source: observed.
func (c *Client) createSessionFromRefreshToken(ctx context.Context, token secret.Text) (Session, error) {
	const tries = 4
	for try := 1; ; try++ {
		expires := time.Now().Add(refreshTTL * time.Second)
		created, err := value[sessionToken](ctx, c, call{
			operation: "create session from refresh token", method: http.MethodPost,
			path: "/token/session/:createFromRefreshToken", anonymous: true, repeatable: true,
			body: map[string]any{"refreshToken": token.Reveal(), "ttlSeconds": refreshTTL},
		})
		if KindOf(err) != Conflict || try == tries {
			return Session{secret.Text(created.Token), expires}, err
		}
		pause := time.Duration(try) * (100*time.Millisecond + wait.Jitter(200*time.Millisecond))
		if err := wait.For(ctx, pause); err != nil {
			return Session{}, &Error{Kind: kindOfCause(ctx, err), Operation: "create session from refresh token", Err: err}
		}
	}
}

// sessionEnd returns the expiration date to request and the earliest end of the session. A session ends at the start of
// that date in Norway: 22:00 UTC in summer, 23:00 in winter. With the current date it would have expired already, so the
// date is the day after tomorrow in Norwegian summer time.
func sessionEnd(now time.Time) (date string, expires time.Time) {
	day := now.UTC().Add(2*time.Hour).AddDate(0, 0, 2)
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	return day.Format(time.DateOnly), midnight.Add(-2 * time.Hour)
}

// EndSession deletes the current session, if any.
//
// DELETE /token/session/{token}.
func (c *Client) EndSession(ctx context.Context) error {
	token, ok := c.sessions.token(ctx)
	if !ok {
		return nil
	}
	end := call{
		operation: "end session", method: http.MethodDelete,
		path: "/token/session/" + url.PathEscape(token.Reveal()), fixedToken: token,
	}
	got, err := c.do(ctx, end)
	if err != nil {
		return err
	}
	return got.checkDone(end.operation)
}

// Login is the result of [Client.WhoAmI].
type Login struct {
	EmployeeID       int64   `json:"employeeId"`
	ActualEmployeeID int64   `json:"actualEmployeeId"`
	CompanyID        int64   `json:"companyId"`
	Company          Company `json:"company"` // ID and Name only
	Language         string  `json:"language"`
}

// WhoAmI returns the employee and the company of the login.
//
// GET /token/session/>whoAmI.
func (c *Client) WhoAmI(ctx context.Context) (Login, error) {
	return value[Login](ctx, c, call{
		operation: "verify login", method: http.MethodGet, path: "/token/session/%3EwhoAmI",
		query: url.Values{"fields": {"*,company(id,name)"}},
	})
}

// Session returns the current session, and creates one if necessary. Expires is zero for [Credentials.SessionToken].
func (c *Client) Session(ctx context.Context) (Session, error) {
	return c.sessions.session(ctx, "")
}

// sessions holds the current session of a client and renews it. Concurrent callers wait for one renewal and share it.
type sessions struct {
	source func(context.Context) (Credentials, error)
	cache  SessionCache
	create func(context.Context, Credentials) (Session, error)

	mu      sync.Mutex
	current Session
	loaded  bool
}

// session returns a session whose token is not the refused one, which is empty if none was refused.
func (s *sessions) session(ctx context.Context, refused secret.Text) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load(ctx)
	if s.usable() && s.current.Token != refused {
		return s.current, nil
	}
	credentials, err := s.source(ctx)
	if err != nil {
		return Session{}, err
	}
	created := Session{Token: credentials.SessionToken}
	if created.Token == "" || created.Token == refused {
		if created, err = s.create(ctx, credentials); err != nil {
			return Session{}, err
		}
		if s.cache != nil {
			s.cache.Save(ctx, created)
		}
	}
	s.current = created
	return created, nil
}

// token returns the current token, or false. It creates no session.
func (s *sessions) token(ctx context.Context) (secret.Text, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load(ctx)
	return s.current.Token, s.usable()
}

func (s *sessions) load(ctx context.Context) {
	if !s.loaded && s.cache != nil {
		s.current, _ = s.cache.Load(ctx)
	}
	s.loaded = true
}

// usable reports whether a token exists and has not expired. The expiry of a given session token is unknown.
func (s *sessions) usable() bool {
	return s.current.Token != "" && (s.current.Expires.IsZero() || time.Now().Add(expiryMargin).Before(s.current.Expires))
}
