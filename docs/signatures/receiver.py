"""A receiver of Tripletex deliveries in Python: python3 receiver.py."""

import base64
import hashlib
import hmac
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The current secret and, during a rotation, the previous one.
SECRETS = [os.environ[name].encode() for name in ("HMAC_SECRET", "HMAC_SECRET_PREVIOUS") if os.environ.get(name)]
MAX_BODY = 1 << 20


def is_signed(keys, signatures, body):
    """Report whether the only key, "&" and the raw body were signed with one of the secrets."""
    if len(keys) != 1 or len(signatures) != 1:
        return False
    key, signature = keys[0].strip(" \t"), signatures[0].strip(" \t")  # blanks around a value are not part of it
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", key):  # a key with "&" could move the boundary
        return False
    text = key.encode() + b"&" + body
    expected = [base64.b64encode(hmac.digest(secret, text, hashlib.sha512)) for secret in SECRETS]
    return any([hmac.compare_digest(e, signature.encode()) for e in expected])


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 15

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,7}", length) or int(length) > MAX_BODY:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(int(length))  # raw bytes, not parsed by a framework
        keys = self.headers.get_all("Idempotency-Key", [])
        if not is_signed(keys, self.headers.get_all("X-Request-Signature", []), body):
            return self.answer(401)
        # TODO: store key and body unless the key is known, and answer after they are on disk.
        print(keys[0], len(body), "bytes", flush=True)
        return self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
