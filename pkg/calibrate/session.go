package calibrate

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// logIn creates a session with the tokens of a login, and observes the switches of sessions for the first one.
func (l *lab) logIn(ctx context.Context, login Login) (string, error) {
	c, err := login.Credentials(ctx)
	if err != nil {
		return "", err
	}
	l.trail = nil
	var got answer
	switch {
	case c.ConsumerToken != "" && c.EmployeeToken != "":
		got, err = l.sessionFromTokens(ctx, c)
	case c.RefreshToken != "":
		got, err = l.sessionFromRefreshToken(ctx, c)
	case c.SessionToken != "":
		return c.SessionToken.Reveal(), nil
	default:
		return "", &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials}
	}
	if err == nil {
		err = got.refusal("create session")
	}
	if e, ok := errors.AsType[*tripletex.Error](err); ok && e.Kind == tripletex.Refused {
		e.Kind = tripletex.Unauthorized // tokens are refused with 422
	}
	var body struct{ Value struct{ Token string } }
	if got.decode(&body); err == nil && body.Value.Token == "" {
		err = &tripletex.Error{Kind: tripletex.Foreign, Operation: "create session", Err: errNotJSON}
	}
	if err == nil {
		l.keep(body.Value.Token)
	}
	return body.Value.Token, err
}

// keep remembers a session until the end of the run.
func (l *lab) keep(session string) {
	l.sessions = append(l.sessions, session)
	if l.o.Secret != nil {
		l.o.Secret(secret.Text(session))
	}
}

func (l *lab) sessionFromTokens(ctx context.Context, c tripletex.Credentials) (answer, error) {
	tokens := map[string]string{
		"consumerToken": c.ConsumerToken.Reveal(), "employeeToken": c.EmployeeToken.Reveal(),
		"expirationDate": time.Now().AddDate(0, 0, 2).Format(time.DateOnly),
	}
	got, err := l.callAs(ctx, caller{}, http.MethodPost, "/token/session/:create", tokens)
	if err != nil || !slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, got.status) {
		if err == nil && got.ok() {
			l.observe("session-post", "present")
		}
		return got, err
	}
	query := url.Values{}
	for name, value := range tokens {
		query.Set(name, value)
	}
	got, err = l.callAs(ctx, caller{}, http.MethodPut, "/token/session/:create?"+query.Encode(), nil)
	if err == nil && got.ok() {
		l.observe("session-post", "absent")
	}
	return got, err
}

func (l *lab) sessionFromRefreshToken(ctx context.Context, c tripletex.Credentials) (answer, error) {
	body := map[string]any{"refreshToken": c.RefreshToken.Reveal(), "ttlSeconds": 3600}
	got, err := l.callAs(ctx, caller{}, http.MethodPost, "/token/session/:createFromRefreshToken", body)
	if err == nil && got.ok() {
		l.observe("refresh-status", strconv.Itoa(got.status))
	}
	return got, err
}

// endSessions ends the sessions of the run. A session that remains expires by itself.
func (l *lab) endSessions(ctx context.Context) {
	for _, session := range l.sessions {
		_, _ = l.send(ctx, caller{session: session}, http.MethodDelete, "/token/session/"+url.PathEscape(session), nil, nil)
	}
}
