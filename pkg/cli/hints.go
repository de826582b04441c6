package cli

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/tunnel"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// targetHint returns the hint for the URL of an app: the missing scheme, or --allow-remote if that permits it.
func targetHint(_ *config.Settings, err error) hint {
	if address, ok := errors.AsType[*receiver.AddressError](err); ok && !address.Never {
		return advice("pass --allow-remote to forward to other machines")
	}
	if e, ok := errors.AsType[*receiver.SchemeError](err); ok {
		return advice("did you mean %s?", e.Complete)
	}
	return hint{}
}

func unknownEventHint(_ *config.Settings, err error) hint {
	e, _ := errors.AsType[*match.UnknownEventError](err)
	return eventHint(e.Pattern, e.Known)
}

// socketHint returns the hint for an address that another program uses.
func socketHint(_ *config.Settings, err error) hint {
	if errors.Is(err, errAddressInUse) {
		return advice("stop the other program, or select another address with --addr; port 0 is any free port")
	}
	return hint{}
}

// listenAddressHint returns the address in the form HOST:PORT. An IPv6 address needs brackets.
func listenAddressHint(_ *config.Settings, err error) hint {
	e, ok := errors.AsType[*net.AddrError](err)
	if !ok {
		e = &net.AddrError{}
	}
	if i := strings.LastIndexByte(e.Addr, ':'); i > 0 {
		if ip, err := netip.ParseAddr(strings.Trim(e.Addr[:i], "[]")); err == nil && ip.Is6() {
			return advice("write HOST:PORT with brackets around an IPv6 address: [%s]%s", ip, e.Addr[i:])
		}
	}
	return advice("write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535")
}

// stateHint returns the hint for a sandbox whose state cannot be written.
func stateHint(_ *config.Settings, err error) hint {
	switch {
	case errors.Is(err, errDiskFull):
		return advice("free disk space, or set XDG_STATE_HOME to a folder on another disk")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errReadOnlyDisk):
		return advice("set XDG_STATE_HOME to a folder that you can write to")
	}
	return hint{}
}

func stoppedHint(settings *config.Settings, _ error) hint {
	return advice("%s, and run the command with --only-failed for the remaining companies", moreTime(settings))
}

const bugHint = "report the lines above at https://github.com/tlxhook/tlxhook/issues"

const noKeyringHint = "unlock the keyring, set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, " +
	"or log in with --store file to store the tokens in a private file"

// lacksPath reports whether a response suggests a base URL without the path of the API.
func lacksPath(settings *config.Settings, e *tripletex.Error) bool {
	suspect := e.Kind == tripletex.NotFound || e.Kind == tripletex.Foreign || e.Status == http.StatusMethodNotAllowed
	return suspect && settings != nil && settings.BaseURL != "" && !strings.HasSuffix(strings.TrimRight(settings.BaseURL, "/"), "/v2")
}

func baseURLHint(settings *config.Settings) hint {
	return advice("append /v2 to the base URL: %s", secret.MaskURL(strings.TrimRight(settings.BaseURL, "/")+"/v2"))
}

// certificateHint returns the hint for a certificate of the API that is not valid; empty for another error.
func certificateHint(err error) string {
	if as[x509.UnknownAuthorityError](err) {
		if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
			return "add the certificate of the proxy to the certificates of the system"
		}
		return "set SSL_CERT_FILE to a file with the certificate of the proxy"
	}
	if as[x509.HostnameError](err) {
		return "another host answered; check HTTPS_PROXY and the DNS"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "check the clock of this machine; a certificate is valid between two dates"
	}
	return ""
}

// environmentHint returns the hint for tokens that may belong to another environment; empty for another error.
func environmentHint(e *tripletex.Error) string {
	for _, v := range e.Validation {
		if v.Field == "arg:consumerToken" || v.Field == "arg:employeeToken" {
			return "check --environment; tokens of the test environment do not work in production, and vice versa"
		}
	}
	return ""
}

// moreTime returns the advice to allow more time.
func moreTime(settings *config.Settings) string {
	return fmt.Sprintf("allow more than %s with --timeout", wait.Text(settings.Timeout))
}

// apiHint returns the hint for an error of the API by its kind.
func apiHint(settings *config.Settings, e *tripletex.Error) hint {
	switch e.Kind {
	case tripletex.Network:
		return advice("%s", networkHint(e))
	case tripletex.Timeout:
		return advice("%s", moreTime(settings))
	case tripletex.RateLimited:
		if e.RetryAfter > 0 {
			return advice("try again in %s, or allow more time with --timeout", wait.Text(e.RetryAfter))
		}
		return advice("try again later; all clients with the same tokens share the limit")
	case tripletex.ServerFailed:
		return advice("try again later; Tripletex has a fault or is under maintenance")
	case tripletex.Foreign:
		return advice("show the response with --debug")
	case tripletex.Unknown:
		return advice("check the result with %s before you try again", command{"subscription", "list"})
	case tripletex.Unauthorized:
		return unauthorizedHint(e)
	case tripletex.Forbidden:
		return advice("select a client company with --company; an accountant login has access to these only (%s)", command{"company", "list"})
	case tripletex.Conflict:
		return advice("run the command again; another client made a change")
	default:
		return hint{}
	}
}

// networkHint returns the hint for an API that cannot be reached.
func networkHint(e *tripletex.Error) string {
	if as[*tripletex.ProxyError](e) {
		return "check the proxy address, user name and password in HTTPS_PROXY"
	}
	return cmp.Or(certificateHint(e), "check the network connection and the proxy (HTTPS_PROXY)")
}

// unauthorizedHint returns the hint for tokens that the API refuses.
func unauthorizedHint(e *tripletex.Error) hint {
	switch environment := environmentHint(e); {
	case errors.Is(e, tripletex.ErrNoCredentials):
		return advice("run %s, set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or use the sandbox with -p sandbox",
			command{"auth", "login"})
	case e.ClockSkew != 0:
		return advice("set the clock of this machine, such as with timedatectl set-ntp true")
	case environment != "":
		return advice("%s", environment)
	default:
		return advice("show the tokens in use with %s, or replace them with %s", command{"auth", "status"}, command{"auth", "login"})
	}
}

// installHint returns the command that installs a tunnel program.
func installHint(_ *config.Settings, err error) hint {
	if e, _ := errors.AsType[*tunnel.MissingError](err); e.Install != "" {
		return advice("install it: %s", e.Install)
	}
	return advice("install it, or pass the URL of another tunnel with --public-url")
}

// isServerError matches a socket that cannot listen or accept connections.
func isServerError(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && slices.Contains([]string{"listen", "accept", "close"}, op.Op)
}

// badListenAddress matches an address to listen on that has no valid host and port.
func badListenAddress(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "listen" {
		return false
	}
	name, ok := errors.AsType[*net.DNSError](op)
	return as[*net.AddrError](op) || ok && name.Err == "unknown port"
}

// timedOutAfterSome matches a run over many companies that timed out after the first change.
func timedOutAfterSome(err error) bool {
	e, ok := errors.AsType[*fleet.StoppedError](err)
	return ok && !e.Nothing
}
