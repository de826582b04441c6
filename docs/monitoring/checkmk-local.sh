#!/bin/sh
# Checkmk: a local check. Install as /usr/lib/check_mk_agent/local/300/tlxhook; it runs every five minutes.
#
# Log in once as the user that runs the agent, into a private file, because a service has no unlocked keyring:
#   sudo env HOME=/var/lib/tlxhook tlxhook auth login -p acme --store file
export HOME=/var/lib/tlxhook
exec tlxhook check -p acme -o checkmk
