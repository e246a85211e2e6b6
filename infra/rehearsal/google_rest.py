"""An endpoint of Google's over HTTPS and JSON, whose answers are a function of a document.

It demands a caller's proof as the real ones do. The document is a file, read at each request and
replaced as a whole by each change, so that a test may change it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar

from infra.rehearsal.documents import changing

if TYPE_CHECKING:
    from pathlib import Path

Answer = Callable[[dict[str, Any], str, str, dict[str, Any]], Any]
"""From document, method, path with its query, and body to what is answered; may raise `Refused`."""


class Refused(Exception):
    """Raised when the service answers with an error.

    Attributes:
        status: the HTTP status.
        reason: Google's word for it.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Keep status and reason beside the message."""
        super().__init__(message)
        self.status = status
        self.reason = reason

    def body(self) -> dict[str, Any]:
        """Return what the service answers."""
        error = {"message": str(self), "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": str(self), "errors": [error]}}


class RestHandler(BaseHTTPRequestHandler):
    """One API's endpoint; `handler` says which one, and whose document it answers from.

    Attributes:
        path_of_store: the document's file.
        accept: whether an Authorization header's value proves the caller.
        answer: what the API answers.
    """

    protocol_version = "HTTP/1.1"
    path_of_store: ClassVar[Path]
    accept: ClassVar[Callable[[str], bool]]
    answer: ClassVar[Answer]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
        """Say nothing, as the other stand-ins."""

    def do_GET(self) -> None:
        """Answer one read."""
        self._answer("GET", {})

    def do_POST(self) -> None:
        """Answer one change."""
        length = int(self.headers.get("content-length", "0"))
        self._answer("POST", json.loads(self.rfile.read(length) or "{}"))

    def _answer(self, method: str, body: dict[str, Any]) -> None:
        try:
            self._demand_caller()
            with changing(self.path_of_store) as document:
                told = type(self).answer(document, method, self.path, body)
            self._respond(200, told)
        except Refused as refused:
            self._respond(refused.status, refused.body())

    def _demand_caller(self) -> None:
        if not type(self).accept(self.headers.get("authorization", "")):
            text = "Request had invalid authentication credentials."
            raise Refused(401, "authError", text)

    def _respond(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def handler(path: Path, accept: Callable[[str], bool], answer: Answer) -> type[RestHandler]:
    """Return the endpoint of one document.

    Args:
        path: the document's file.
        accept: whether an Authorization header's value proves the caller.
        answer: what the API answers.
    """
    members = {
        "path_of_store": path,
        "accept": staticmethod(accept),
        "answer": staticmethod(answer),
    }
    return type("Endpoint", (RestHandler,), members)
