"""Tests of a webhook receiver against the sandbox. See docs/sandbox-in-ci.md."""

import base64
import datetime
import json
import os
import time
import urllib.error
import urllib.request

SANDBOX = os.environ.get("SANDBOX_URL", "http://127.0.0.1:8090")
APP = os.environ.get("APP_URL", "http://127.0.0.1:3000")
TARGET = os.environ.get("TARGET_URL", APP + "/hook")  # the app, as the sandbox reaches it
SECRET = os.environ.get("HMAC_SECRET", "sandbox-hmac-secret")


def call(method, url, body=None, token=None):
    """Returns the status and the JSON of the response."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"0:{token}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read() or b"null")
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read() or b"null")


def wait_for(url):
    for _ in range(120):
        try:
            return call("GET", url)
        except OSError:
            time.sleep(0.5)
    raise SystemExit("no answer from " + url)


def log_in():
    tokens = {"consumerToken": "sandbox-consumer-token", "employeeToken": "sandbox-employee-token"}
    tokens["expirationDate"] = str(datetime.date.today() + datetime.timedelta(days=2))
    status, session = call("POST", SANDBOX + "/v2/token/session/:create", tokens)
    assert status == 201, session
    return session["value"]["token"]


wait_for(SANDBOX + "/sandbox/health")
wait_for(APP + "/received")

# A new sandbox for each test.
status, _ = call("POST", SANDBOX + "/sandbox/reset", {"switches": {"propagation": "0s"}})
assert status == 200, status
token = log_in()
subscription = {"event": "order.create", "targetUrl": TARGET, "hmacSharedSecret": SECRET}
status, created = call("POST", SANDBOX + "/v2/event/subscription", subscription, token)
assert status == 201, created

# An event is delivered, signed, before the call returns.
status, emitted = call("POST", SANDBOX + "/sandbox/emit", {"event": "order.create"})
assert status == 200, emitted
assert [d["delivered"] for d in emitted["deliveries"]] == [True], emitted
_, received = call("GET", APP + "/received")
assert received[-1]["event"] == "order.create", received
assert received[-1]["id"] == emitted["objectIds"][0], received

# The next request of the client is rate limited.
call("POST", SANDBOX + "/sandbox/faults", {"kind": "rate-limit", "count": 1})
status, _ = call("GET", SANDBOX + "/v2/event/subscription", None, token)
assert status == 429, status
status, subscriptions = call("GET", SANDBOX + "/v2/event/subscription", None, token)
assert subscriptions["count"] == 1, subscriptions

print("ok")
