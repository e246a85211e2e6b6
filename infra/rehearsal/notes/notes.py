"""A small web service: the notes of a PostgreSQL database, and its own health, as JSON."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

PORT = 8000
ANSWERS_WITHIN_S = 3


def notes() -> list[str]:
    """Return the texts of all notes, oldest first."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=ANSWERS_WITHIN_S) as asked:
        return [body for (body,) in asked.execute("SELECT body FROM note ORDER BY id")]


def health() -> dict[str, object]:
    """Return whether the service can do its work, and which commit it is."""
    began = time.monotonic()
    try:
        notes()
        well = True
    except psycopg.Error:
        well = False
    taken_ms = round((time.monotonic() - began) * 1000)
    return {
        "status": "healthy" if well else "unhealthy",
        "version": os.environ["APP_VERSION"],
        "checks": {"database": {"ok": well, "latencyMs": taken_ms}},
    }


class Answer(BaseHTTPRequestHandler):
    """Answers one connection; a thread each."""

    protocol_version = "HTTP/1.1"
    # For idle connections: longer than the proxy keeps one, or a request could meet a closed one.
    timeout = 10

    def do_GET(self) -> None:
        """Answer the two paths that there are."""
        routes = {"/api/health": health, "/notes": notes}
        route = routes.get(self.path)
        status = HTTPStatus.OK if route else HTTPStatus.NOT_FOUND
        body = json.dumps(route() if route else {"error": "not found"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        """Leave out the line for each request."""


def main() -> None:
    """Serve until the engine says to stop; what is being answered is answered."""
    server = ThreadingHTTPServer(("", PORT), Answer)
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
