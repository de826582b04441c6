package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// session is an issued session token.
type session struct {
	ID      int64     `json:"id"`
	Token   string    `json:"token"`
	Owner   string    `json:"owner"` // the employee token
	Expires time.Time `json:"expires"`
	Date    string    `json:"date"`
}

// login is the employee token and the company of a request.
type login struct {
	owner   string
	company int64 // 0 for the own company
}

// The company and the employees of every sandbox.
const (
	ownCompanyID   = 1
	employeeNumber = 11
	accountantID   = 12
	ownCompanyName = "Sandbox Regnskap AS"
)

func employeeID(owner string) int64 {
	if owner == AccountantToken {
		return accountantID
	}
	return employeeNumber
}

func createSession(state *State, r *request) *reply {
	if r.switches.is(switchSessionPost, "absent") {
		return apiError(http.StatusMethodNotAllowed, 4000, "Method not allowed", "")
	}
	var body struct {
		ConsumerToken, EmployeeToken, ExpirationDate *string
	}
	if failed := r.decodeModel(&body, payload.Model{Fields: []payload.Field{
		{Name: "consumerToken", Type: "string"}, {Name: "employeeToken", Type: "string"}, {Name: "expirationDate", Type: "string"},
	}}); failed != nil {
		return failed
	}
	return newSession(state, r, http.StatusCreated, body.ConsumerToken, body.EmployeeToken, body.ExpirationDate)
}

func createSessionLegacy(state *State, r *request) *reply {
	query := func(name string) *string { return orNull(r.URL.Query().Get(name)) }
	return newSession(state, r, http.StatusOK, query("consumerToken"), query("employeeToken"), query("expirationDate"))
}

func newSession(state *State, r *request, status int, consumer, employee, date *string) *reply {
	var complaints []validation
	for _, f := range []struct {
		name string
		text *string
	}{{"consumerToken", consumer}, {"employeeToken", employee}, {"expirationDate", date}} {
		if f.text == nil {
			complaints = append(complaints, validation{Field: f.name, Message: "Kan ikke være null."}.at("null"))
		}
	}
	if complaints != nil {
		return invalid(complaints...)
	}
	if *consumer != ConsumerToken {
		return invalid(wrongToken("consumer"))
	}
	if *employee != EmployeeToken && *employee != AccountantToken {
		return invalid(wrongToken("employee"))
	}
	day, err := time.ParseInLocation(time.DateOnly, *date, norway())
	if err != nil {
		return invalid(validation{Field: "expirationDate", Message: "Feil datoformat."}.at("null"))
	}
	// A date in the past is accepted and gives an expired session. Source: observed.
	return value(status, state.addSession(r, *employee, day.UTC(), *date))
}

func wrongToken(which string) validation {
	path := "arg:" + which + "Token"
	return validation{Field: path, Path: &path, Message: "The " + which + " token is invalid or does not exist."}
}

// norway is the time zone in which a session expires. It ignores summer time.
func norway() *time.Location { return time.FixedZone("CET", 3600) }

func createSessionFromRefreshToken(state *State, r *request) *reply {
	var body struct {
		RefreshToken *string
		TTLSeconds   *int
	}
	if failed := r.decodeModel(&body, payload.Model{Fields: []payload.Field{
		{Name: "refreshToken", Type: "string"}, {Name: "ttlSeconds", Type: "int32"},
	}}); failed != nil {
		return failed
	}
	switch {
	case body.RefreshToken == nil || *body.RefreshToken != RefreshToken:
		return unauthorized("The refresh token is invalid or does not exist.")
	case body.TTLSeconds == nil || *body.TTLSeconds > 28800:
		return invalid(validation{Field: "ttlSeconds", Message: "Kan ikke være over 28800"}.at("null"))
	case *body.TTLSeconds < 300:
		return invalid(validation{Field: "ttlSeconds", Message: "Kan ikke være under 300"}.at("null"))
	}
	status, _ := strconv.Atoi(r.switches.value(switchRefresh))
	expires := r.now.Add(time.Duration(*body.TTLSeconds) * time.Second)
	return value(status, state.addSession(r, EmployeeToken, expires, expires.Format(time.DateOnly)))
}

// addSession stores a session and returns it as in responses. The order of fields and version 1 were observed.
func (s *State) addSession(r *request, owner string, expires time.Time, date string) object {
	s.Sessions = slices.DeleteFunc(s.Sessions, func(old session) bool { return old.Expires.Before(r.now) })
	id := s.NextID
	s.NextID++
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"tokenId":%d,"token":"sandbox-session-%s"}`, id, newRequestID()))
	s.Sessions = append(s.Sessions, session{ID: id, Token: token, Owner: owner, Expires: expires, Date: date})
	s.dirty = true
	reference := func(path string, id int64) object {
		return object{{"id", id}, {"url", fmt.Sprintf("%s%s/token/%s/%d", r.Host, basePath, path, id)}}
	}
	return object{
		{"id", id},
		{"version", 1},
		{"url", reference("session", id).value("url")},
		{"consumerToken", reference("consumer", 1)},
		{"employeeToken", reference("employee", employeeID(owner))},
		{"expirationDate", date},
		{"token", token},
		{"encryptionKey", nil},
	}
}

func deleteSession(state *State, r *request) *reply {
	token, err := url.PathUnescape(r.lastSegment())
	if err != nil {
		return notFound()
	}
	before := len(state.Sessions)
	state.Sessions = slices.DeleteFunc(state.Sessions, func(s session) bool { return s.Token == token })
	if len(state.Sessions) == before {
		return notFound()
	}
	state.dirty = true
	return noContent()
}

func whoAmI(state *State, r *request) *reply {
	id, name := int64(ownCompanyID), ownCompanyName
	if c := state.company(r.login.company); c != nil {
		id, name = c.ID, c.Name
	}
	employee := employeeID(r.login.owner)
	return filtered(r, object{
		{"employeeId", employee},
		{"actualEmployeeId", employee},
		{"employee", linked("Employee", r.Host, employee, nil)},
		{"companyId", id},
		{"company", linked("Company", r.Host, id, object{{"name", name}})},
		{"language", "no"},
		{"loggedInWithConnect", false},
		{"employeeIsProxy", false},
	}, "LoggedInUserInfo")
}

// logIn checks the Basic authorization of a request: the user name is a company ID, the password a session token.
func (r *request) logIn(state *State, path string) *reply {
	name, token, ok := r.BasicAuth()
	i := slices.IndexFunc(state.Sessions, func(s session) bool { return s.Token == token && s.Expires.After(r.now) })
	if !ok || i < 0 {
		return unauthorized("Could not log in. Check login info in Authorization header.")
	}
	r.login.owner = state.Sessions[i].Owner
	company, err := strconv.ParseInt(name, 10, 64)
	if err != nil && name != "" {
		return unauthorized("Authorization header has invalid username: " + name +
			". Should be a customer id or 0 for default. The expected format is base64encoded(<<companyId>>:<<sessionToken>>).")
	}
	r.login.company = company
	if company == ownCompanyID {
		r.login.company = 0
	}
	return r.allowed(state, path)
}

func (r *request) allowed(state *State, path string) *reply {
	if r.login.company != 0 && state.company(r.login.company) == nil {
		return forbidden("")
	}
	accountant := r.login.owner == AccountantToken && r.login.company == 0
	if !accountant || strings.HasPrefix(path, "/token/session/") || path == "/company/>withLoginAccess" {
		return nil
	}
	status, _ := strconv.Atoi(r.switches.value(switchAccountant))
	return apiError(status, 9000, "You do not have permission to access this feature.",
		"Company owned users(employeeToken) can only access /token/session/>whoAmI & /company/>withLoginAccess in their own company.")
}
