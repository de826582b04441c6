#!/bin/sh
# Checkmk: a local check. Put this into /usr/lib/check_mk_agent/local/300/, where it runs every five minutes.
#
# Log in once as the user that runs the agent, into a private file, as nobody unlocks a keyring there:
#   sudo env HOME=/var/lib/tlxhook tlxhook auth login -p acme --store file
export HOME=/var/lib/tlxhook
exec tlxhook check -p acme -o checkmk
