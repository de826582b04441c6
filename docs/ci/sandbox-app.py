"""A receiver of webhooks: it verifies deliveries at /hook and lists them at /received. See docs/sandbox-in-ci.md."""

import base64
import hashlib
import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("HMAC_SECRET", "sandbox-hmac-secret").encode()
RECEIVED = []


def is_valid(headers, body):
    signed = headers.get("Idempotency-Key", "").encode() + b"&" + body
    want = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha512).digest()).decode()
    return hmac.compare_digest(want, headers.get("X-Request-Signature", ""))


class App(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        valid = is_valid(self.headers, body)
        if valid:
            RECEIVED.append(json.loads(body))
        self.send_response(200 if valid else 401)
        self.end_headers()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(RECEIVED).encode())


ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "3000"))), App).serve_forever()
