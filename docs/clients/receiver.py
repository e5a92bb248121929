"""Receive webhooks of Keyhouse: python receiver.py PORT, with the secret in WEBHOOK_SECRET.

Needs `pip install standardwebhooks`. TLS ends at a proxy in front of it.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

MOST_BYTES = 64 * 1024
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
seen: set[str] = set()  # a database in real life: an event may arrive more than once


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MOST_BYTES))
        try:
            message = webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.answer(401)
            return
        if self.headers["webhook-id"] not in seen:
            print(message["type"], message["timestamp"], message["data"].get("id", ""), flush=True)
            seen.add(self.headers["webhook-id"])
        self.answer(204)  # at once: do work that takes long afterwards

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()


port = int(sys.argv[1])
print(f"Listening at port {port}", flush=True)
ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
