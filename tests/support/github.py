"""A stand-in for GitHub: its REST API, and git over HTTP, behind one token.

Git is git's own `http-backend` over a bare repository, so what the repository refuses is refused
for real. Pull requests and deployments are kept in memory.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Generator

API_VERSION = "2022-11-28"


@dataclass
class StandIn:
    """The repository as GitHub has it.

    Attributes:
        name: `owner/name`.
        folder: The bare repository.
        token: What proves a caller.
        may_write: Whether the token may push and open pull requests.
        pulls: The pull requests, as the API shows them.
        deployments: The deployments, as the API shows them, each with its `statuses`.
        asked: Method and path of each request, in order.
        answers_lost: How many answers to a POST get lost on their way.
        waiting: Whether every caller is told to wait.
        behind: How many times it does not find yet what was opened a moment ago.
    """

    name: str
    folder: Path
    token: str
    may_write: bool = True
    pulls: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers_lost: int = 0
    waiting: bool = False
    behind: int = 0
    url: str = ""

    @property
    def remote(self) -> str:
        """Return the repository's address for git."""
        return f"{self.url}/{self.name}.git"

    def branches(self) -> tuple[str, ...]:
        """Return the repository's branches."""
        return tuple(self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split())

    def git(self, *words: str) -> str:
        """Run git in the repository and return what it wrote."""
        command = ("git", "-c", f"safe.directory={self.folder}", "-C", str(self.folder), *words)
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def open(self, said: dict[str, Any]) -> tuple[int, Any]:
        """Answer the request to open a pull request."""
        known = [one for one in self.pulls if one["head"]["ref"] == said["head"]]
        if any(one["state"] == "open" for one in known):
            return _invalid(f"A pull request already exists for {said['head']}.")
        if said["head"] not in self.branches():
            return _invalid("head is invalid")
        number = len(self.pulls) + 1
        pull = {
            "number": number,
            "html_url": f"{self.url}/{self.name}/pull/{number}",
            "state": "open",
            "merged_at": None,
            "title": said["title"],
            "body": said["body"],
            "head": {"ref": said["head"]},
            "base": {"ref": said["base"]},
        }
        self.pulls.append(pull)
        return 201, pull

    def deploy(self, said: dict[str, Any]) -> tuple[int, Any]:
        """Answer the request to make a deployment."""
        if said["required_contexts"] != [] or said["auto_merge"] is not False:
            return 409, {"message": "Conflict: Commit status checks failed"}
        number = len(self.deployments) + 1
        made = {"id": number, "sha": said["ref"], "statuses": [], **said}
        self.deployments.append(made)
        return 201, made

    def progress(self, number: int, said: dict[str, Any]) -> tuple[int, Any]:
        """Say how far a deployment is; a success ends the earlier ones, as GitHub has it."""
        if len(said["description"]) > 140:
            return _invalid("description is too long (maximum is 140 characters)")
        for one in self.deployments:
            same = one["environment"] == said["environment"] and one["id"] != number
            if same and said["state"] == "success" and self.stage(one) == "success":
                one["statuses"].append({"id": 0, "state": "inactive"})
        made = {"id": 100 + len(self.asked), **said}
        self.deployments[number - 1]["statuses"].append(made)
        return 201, made

    def stage(self, deployment: dict[str, Any]) -> str:
        """Return how far a deployment is; empty before anybody said so."""
        statuses = deployment["statuses"]
        return statuses[-1]["state"] if statuses else ""

    def merge(self, pull: dict[str, Any]) -> str:
        """Merge a pull request as the button does with a fast forward; return the commit."""
        commit = self.git("rev-parse", pull["head"]["ref"])
        self.git("update-ref", f"refs/heads/{pull['base']['ref']}", commit)
        pull.update(state="closed", merged_at="2026-11-25T00:00:00Z")
        return commit

    def found(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """Answer the request for a branch's pull requests."""
        owner, _, branch = query["head"][0].partition(":")
        assert owner == self.name.partition("/")[0]
        if self.behind:
            self.behind -= 1
            return []
        return [
            one
            for one in self.pulls
            if one["head"]["ref"] == branch
            and one["base"]["ref"] == query["base"][0]
            and query["state"][0] in ("all", one["state"])
        ]


def _invalid(told: str) -> tuple[int, Any]:
    return 422, {"message": "Validation Failed", "errors": [{"message": told}]}


@contextmanager
def github(stand_in: StandIn, address: tuple[str, int] = ("127.0.0.1", 0)) -> Generator[StandIn]:
    """Let the stand-in answer at an address, any free port for 0; its `url` says where."""

    class Handler(_Handler):
        github = stand_in

    with ThreadingHTTPServer(address, Handler) as server:
        stand_in.url = f"http://{address[0]}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    github: StandIn

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Keep the tests' output clean."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.github.asked.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.startswith("/repos/"):
            status, said = self._api(path, body)
            if self.command == "POST" and self.github.answers_lost:
                self.github.answers_lost -= 1
                self.close_connection = True
                return
            self._send(status, "application/json", json.dumps(said).encode())
        else:
            self._git(body)

    def _api(self, path: str, body: bytes) -> tuple[int, Any]:
        stand_in = self.github
        if stand_in.waiting:
            return 429, {"message": "You have exceeded a secondary rate limit"}
        if self.headers.get("Authorization") != f"Bearer {stand_in.token}":
            return 401, {"message": "Bad credentials"}
        if self.headers.get("X-GitHub-Api-Version") != API_VERSION:
            return 400, {"message": "no such version"}
        match path.removeprefix(f"/repos/{stand_in.name}/").split("/"):
            case ["pulls"]:
                return self._pulls(body)
            case ["deployments", *below]:
                return self._deployments(below, body)
            case _:
                return 404, {"message": "Not Found"}

    def _deployments(self, below: list[str], body: bytes) -> tuple[int, Any]:
        stand_in = self.github
        if self.command == "GET":
            query = parse_qs(urlsplit(self.path).query)
            wanted = {name: query[name][0] for name in ("sha", "environment")}
            return 200, [one for one in stand_in.deployments if wanted.items() <= one.items()]
        if not stand_in.may_write:
            return 403, {"message": "Resource not accessible by personal access token"}
        said = json.loads(body)
        return stand_in.progress(int(below[0]), said) if below else stand_in.deploy(said)

    def _pulls(self, body: bytes) -> tuple[int, Any]:
        stand_in = self.github
        if self.command == "GET":
            return 200, stand_in.found(parse_qs(urlsplit(self.path).query))
        if not stand_in.may_write:
            return 403, {"message": "Resource not accessible by personal access token"}
        return stand_in.open(json.loads(body))

    def _git(self, body: bytes) -> None:
        proof = base64.b64encode(f"x-access-token:{self.github.token}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {proof}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if not self.github.may_write:
            self._send(403, "text/plain", b"Permission denied\n")
            return
        answer = subprocess.run(
            ("git", "-c", "safe.directory=*", "http-backend"),
            input=body, env=self._variables(), capture_output=True, check=True,
        ).stdout  # fmt: skip
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self._send(status, headers["Content-Type"], content)

    def _variables(self) -> dict[str, str]:
        address = urlsplit(self.path)
        inside = address.path.removeprefix(f"/{self.github.name}.git")
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.github.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "PATH_INFO": inside,
            "QUERY_STRING": address.query,
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
