package cli

import "github.com/spf13/cobra"

// newHelpTopics returns pages of help that are no commands.
func newHelpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp},
		{Use: "environment", Short: "Which environment variables are read", Long: environmentHelp},
	}
}

const exitCodesHelp = `The exit code says what happened, for scripts:

    0  done; also "no differences" and an empty list
    1  it worked, and the answer is no; also a question that was answered with no
    2  used wrongly: a flag, an argument, a setting; content that Tripletex
       refuses; a question was needed and there is no terminal
    3  unavailable: network, TLS, time-out, 429 or 5xx after all tries, or an
       answer that is not Tripletex's; a target that does not answer a probe
    4  not logged in, or refused (401 after one renewal, 403)
    5  not found, or nothing matches what must match
    6  conflict: somebody else changed it meanwhile, or holds a lock
    7  partly done: what is listed was done, the rest was not
    8  a local file, the keyring, or standard output
   70  a bug in tlxhook
  130  interrupted (SIGINT) before it was done
  143  terminated (SIGTERM) before it was done

Commands that run until they are stopped end with 0 on the first SIGINT or
SIGTERM. Codes may be added: take an unknown one for a failure.

The command check alone has codes of its own, those of monitoring plugins:
0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, and no other.

With -o json the last line on standard error is the error as JSON:
  {"error":{"code":"rate_limited","message":"...","exitCode":3,"httpStatus":429}}`

const environmentHelp = `Every global flag has a variable: TLXHOOK_PROFILE, TLXHOOK_COMPANY,
TLXHOOK_OUTPUT, TLXHOOK_JQ, TLXHOOK_TEMPLATE, TLXHOOK_COLOR, TLXHOOK_TIMEOUT,
TLXHOOK_NO_INPUT, TLXHOOK_QUIET, TLXHOOK_VERBOSE, TLXHOOK_DEBUG,
TLXHOOK_SHOW_SECRETS and TLXHOOK_CONFIG. A flag beats its variable, a variable
beats the file config.yaml, which lies in the folder that XDG_CONFIG_HOME or the
system names, below tlxhook/. An empty variable counts as not set.

Tokens, for CI and other places without a keyring:

  TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or
  TLXHOOK_REFRESH_TOKEN, or
  TLXHOOK_SESSION_TOKEN

  TLXHOOK_BASE_URL  the API they are for (default https://tripletex.no/v2)

Secrets of a subscription: TLXHOOK_AUTH_HEADER_VALUE and TLXHOOK_HMAC_SECRET.
The password of --nats-user: TLXHOOK_NATS_PASSWORD.

Each of these secrets can also be given with _FILE behind its name, which names
a file that holds it, or with _COMMAND, which names a command that prints it:

  TLXHOOK_EMPLOYEE_TOKEN_COMMAND='pass show tripletex/employee'

Tokens of the environment are used unless a profile is named with -p.

Read as usual: HOME, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME,
HTTPS_PROXY, NO_PROXY, NO_COLOR, CLICOLOR_FORCE, TERM, CI.`
