"""`python -m infra.rehearsal.github`: GitHub's REST API, and git over HTTP, behind one token.

Git is git's own `http-backend` over a bare repository, so what the repository refuses is refused
for real. Pull requests and deployments are in a file, which a test may read and change too.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from infra.rehearsal import facts
from infra.rehearsal.documents import changing
from infra.rehearsal.github_rules import REPOSITORY, Request, answer

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 80


def git(folder: Path, *words: str) -> str:
    """Run git in a repository and return what it wrote."""
    command = ("git", "-c", f"safe.directory={folder}", "-C", str(folder), *words)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def branches(folder: Path) -> tuple[str, ...]:
    """Return a repository's branches."""
    return tuple(git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").split())


class GitHubHandler(BaseHTTPRequestHandler):
    """Answers one request; `server` says for which repository.

    Attributes:
        folder: the bare repository.
        store: the file of what GitHub knows beside it.
    """

    folder: ClassVar[Path]
    store: ClassVar[Path]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing, as the other stand-ins."""

    def do_GET(self) -> None:
        """Answer one read."""
        self._answer()

    def do_POST(self) -> None:
        """Answer one change, or one of git's requests."""
        self._answer()

    def _answer(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with changing(self.store) as document:
            document["asked"].append(f"{self.command} {address.path}")
        if address.path.startswith("/repos/"):
            self._api(address.path, dict(parse_qsl(address.query)), body)
        else:
            self._git(address.path, address.query, body)

    def _api(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        request = Request(
            method=self.command,
            path=path,
            query=dict(query),
            said=json.loads(body or b"{}"),
            token=self.headers.get("Authorization", ""),
            version=self.headers.get("X-GitHub-Api-Version", ""),
            url=f"http://{self.headers['Host']}",
        )
        with changing(self.store) as document:
            status, said = answer(document, request, branches(self.folder))
            lost = self.command == "POST" and document["answers_lost"] > 0
            document["answers_lost"] -= int(lost)
        if lost:
            self.close_connection = True
        else:
            self._send(status, "application/json", json.dumps(said).encode())

    def _git(self, path: str, query: str, body: bytes) -> None:
        known = json.loads(self.store.read_text(encoding="utf-8"))
        proof = base64.b64encode(f"x-access-token:{known['token']}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {proof}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if not known["may_write"]:
            self._send(403, "text/plain", b"Permission denied\n")
            return
        told = subprocess.run(
            ("git", "-c", "safe.directory=*", "http-backend"),
            input=body, env=self._variables(path, query), capture_output=True, check=True,
        ).stdout  # fmt: skip
        head, _, content = told.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self._send(status, headers["Content-Type"], content)

    def _variables(self, path: str, query: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "PATH_INFO": path.removeprefix(f"/{REPOSITORY}.git"),
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": "deployer",
            "REMOTE_ADDR": "127.0.0.1",
        }

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def server(folder: Path, store: Path, address: tuple[str, int]) -> ThreadingHTTPServer:
    """Return GitHub's server, listening and not yet started.

    Args:
        folder: the bare repository.
        store: the file that `github_rules.fresh` describes.
        address: where it listens; any free port for 0.
    """
    members = {"folder": folder, "store": store}
    return ThreadingHTTPServer(address, type("Endpoint", (GitHubHandler,), members))


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="infra.rehearsal.github", description=__doc__)
    for name in ("--repository", "--store"):
        parser.add_argument(name, type=Path, required=True)
    asked = parser.parse_args()
    server(asked.repository, asked.store, (facts.GIT, PORT)).serve_forever()


if __name__ == "__main__":
    main()
