package tripletex

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Credentials are what a session is made from: a consumer and an employee token, or a refresh token, or a
// session token that somebody else made and that cannot be renewed here.
type Credentials struct {
	ConsumerToken secret.Text
	EmployeeToken secret.Text
	RefreshToken  secret.Text
	SessionToken  secret.Text
}

// Get returns the credentials themselves, for [Options].
func (c Credentials) Get(context.Context) (Credentials, error) { return c, nil }

// Session is a session token and when it ends.
type Session struct {
	Token   secret.Text
	Expires time.Time
}

// SessionCache keeps a session between processes. A failure to keep one costs a request and nothing else, so
// neither method returns an error.
type SessionCache interface {
	// Load returns the kept session, or false.
	Load(ctx context.Context) (Session, bool)
	// Save keeps a session in the place of the one before.
	Save(ctx context.Context, s Session)
}

// refreshTTL is the longest life in seconds that a session from a refresh token may be given; the service
// refuses more. Source: an observed message.
const refreshTTL = 28800

// expiryMargin is how long before its end a session is no longer used.
const expiryMargin = time.Minute

type sessionToken struct {
	Token string `json:"token"`
}

// CreateSession makes a new session from the client's credentials, whatever the cache holds. A session from a
// consumer and an employee token lives between one and two days, one from a refresh token eight hours.
//
// POST /token/session/:create, PUT where a server has no POST, or POST /token/session/:createFromRefreshToken.
func (c *Client) CreateSession(ctx context.Context) (Session, error) {
	credentials, err := c.sessions.source(ctx)
	if err != nil {
		return Session{}, err
	}
	return c.createSession(ctx, credentials)
}

func (c *Client) createSession(ctx context.Context, credentials Credentials) (Session, error) {
	switch {
	case credentials.ConsumerToken != "" && credentials.EmployeeToken != "":
		return c.createSessionFromTokens(ctx, credentials)
	case credentials.RefreshToken != "":
		return c.createSessionFromRefreshToken(ctx, credentials.RefreshToken)
	case credentials.SessionToken != "":
		return Session{}, &Error{Kind: Unauthorized, Operation: "renew session", Err: errSessionGiven}
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
	made, err := value[sessionToken](ctx, c, call)
	if noSuchCall(err) {
		call.method, call.body = http.MethodPut, nil
		call.query = url.Values{
			"consumerToken":  {credentials.ConsumerToken.Reveal()},
			"employeeToken":  {credentials.EmployeeToken.Reveal()},
			"expirationDate": {date},
		}
		made, err = value[sessionToken](ctx, c, call)
	}
	return Session{secret.Text(made.Token), expires}, err
}

// noSuchCall tells whether a server does not know the path or the method.
func noSuchCall(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, e.Status)
}

// createSessionFromRefreshToken tries again on 409, which the service gives to one of two clients that use the
// same refresh token at once. Source: observed.
func (c *Client) createSessionFromRefreshToken(ctx context.Context, token secret.Text) (Session, error) {
	const tries = 4
	for try := 1; ; try++ {
		expires := time.Now().Add(refreshTTL * time.Second)
		made, err := value[sessionToken](ctx, c, call{
			operation: "create session from refresh token", method: http.MethodPost,
			path: "/token/session/:createFromRefreshToken", anonymous: true, repeatable: true,
			body: map[string]any{"refreshToken": token.Reveal(), "ttlSeconds": refreshTTL},
		})
		if KindOf(err) != Conflict || try == tries {
			return Session{secret.Text(made.Token), expires}, err
		}
		pause := time.Duration(try) * (100*time.Millisecond + jitter(200*time.Millisecond))
		if err := sleep(ctx, pause); err != nil {
			return Session{}, &Error{Kind: kindOfCause(ctx, err), Operation: "create session from refresh token", Err: err}
		}
	}
}

// sessionEnd returns the expiration date to ask for and the moment from which the session must be taken as
// over. The session ends when that date begins in Norway, which is at 22:00 UTC in summer and 23:00 in winter;
// the earlier is taken. A date of today or before gives a session that is dead from the start, so the date is
// the day after tomorrow, seen from the easternmost clock that Norway uses.
func sessionEnd(now time.Time) (date string, expires time.Time) {
	day := now.UTC().Add(2*time.Hour).AddDate(0, 0, 2)
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	return day.Format(time.DateOnly), midnight.Add(-2 * time.Hour)
}

// EndSession deletes the session that the client uses, if it has one.
//
// DELETE /token/session/{token}.
func (c *Client) EndSession(ctx context.Context) error {
	token, ok := c.sessions.kept(ctx)
	if !ok {
		return nil
	}
	return done(ctx, c, call{
		operation: "end session", method: http.MethodDelete,
		path: "/token/session/" + url.PathEscape(token.Reveal()), fixedToken: token,
	})
}

// Login says who is logged in.
type Login struct {
	EmployeeID       int64       `json:"employeeId"`
	ActualEmployeeID int64       `json:"actualEmployeeId"`
	CompanyID        int64       `json:"companyId"`
	Company          LoginTarget `json:"company"`
	Language         string      `json:"language"`
}

// LoginTarget is the company of a login.
type LoginTarget struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// WhoAmI returns who is logged in, and for which company.
//
// GET /token/session/>whoAmI.
func (c *Client) WhoAmI(ctx context.Context) (Login, error) {
	return value[Login](ctx, c, call{
		operation: "ask who is logged in", method: http.MethodGet, path: "/token/session/%3EwhoAmI",
		query: url.Values{"fields": {"*,company(id,name)"}},
	})
}

// Session returns the session that the client uses, making one if there is none. Expires is zero for a session
// token that was given.
func (c *Client) Session(ctx context.Context) (Session, error) {
	return c.sessions.session(ctx, "")
}

// sessions hands out the session token of a client and makes a new one when there is none or it has died. One
// is made at a time; whoever waited uses it.
type sessions struct {
	source func(context.Context) (Credentials, error)
	cache  SessionCache
	create func(context.Context, Credentials) (Session, error)

	mu      sync.Mutex
	current Session
	loaded  bool
}

// session returns a session with a token other than dead, which may be empty.
func (s *sessions) session(ctx context.Context, dead secret.Text) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load(ctx)
	if s.usable() && s.current.Token != dead {
		return s.current, nil
	}
	credentials, err := s.source(ctx)
	if err != nil {
		return Session{}, err
	}
	made := Session{Token: credentials.SessionToken}
	if made.Token == "" || made.Token == dead {
		if made, err = s.create(ctx, credentials); err != nil {
			return Session{}, err
		}
		if s.cache != nil {
			s.cache.Save(ctx, made)
		}
	}
	s.current = made
	return made, nil
}

// kept returns the token in use, without making one.
func (s *sessions) kept(ctx context.Context) (secret.Text, bool) {
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

// usable tells whether the current token is there and has not ended. One that was given has no known end.
func (s *sessions) usable() bool {
	return s.current.Token != "" && (s.current.Expires.IsZero() || time.Now().Add(expiryMargin).Before(s.current.Expires))
}
