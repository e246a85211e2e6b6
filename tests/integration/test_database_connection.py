"""What stands between us and the database: addresses, logins, a proxy."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from rollout.errors import ConfigInvalid, DatabaseError, DatabaseUnreachable
from rollout.executors.database import Database
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, Scratch, scratch_database
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    return database


def test_a_database_that_was_connected_ahead_is_closed_by_whom_uses_it(scratch: Scratch):
    database = Database(scratch.address, print)
    database.__enter__()

    with database as ahead:
        assert ahead.applied(SCHEMA, TABLE) == ()

    with pytest.raises(DatabaseError, match="what was applied cannot be read"):
        database.applied(SCHEMA, TABLE)


class TestAddresses:
    """What stands between us and a connection; no message names the password."""

    def refusal(self, url: str) -> DatabaseError | ConfigInvalid:
        with (
            pytest.raises((DatabaseError, ConfigInvalid)) as refused,
            Database(DatabaseAddress(Secret(url)), print),
        ):
            pass
        assert "hunter22" not in str(refused.value)
        assert isinstance(refused.value, DatabaseError | ConfigInvalid)
        return refused.value

    def test_a_wrong_password(self):
        parts = urlsplit(facts()["database_url"])
        place = f"{parts.hostname}:{parts.port}"

        refused = self.refusal(f"postgresql://trovella-app:hunter22@{place}/trovella")

        assert refused.true == (
            f"the database trovella on {place} does not let trovella-app in: "
            'FATAL:  password authentication failed for user "trovella-app"'
        )

    def test_no_such_database(self):
        refused = self.refusal(facts()["database_url"] + "_nowhere")

        assert refused.true.endswith('FATAL:  database "trovella_nowhere" does not exist')

    def test_nobody_listens(self):
        refused = self.refusal("postgresql://app:hunter22@10.77.0.11:1/trovella")

        assert isinstance(refused, DatabaseUnreachable)
        assert refused.true == (
            "the database trovella on 10.77.0.11:1 cannot be reached: nobody answers there"
        )

    def test_no_such_host(self):
        refused = self.refusal("postgresql://app:hunter22@db.nowhere.invalid/trovella")

        assert isinstance(refused, DatabaseUnreachable)

    @pytest.mark.parametrize(
        "url",
        [
            "hunter22",
            "mysql://app:hunter22@db/x",
            "postgresql://app:hunter22@db/x?schema=public",
            "postgresql://app:pw@hunter22@db:port/x",
        ],
    )
    def test_no_url(self, url: str):
        assert isinstance(self.refusal(url), ConfigInvalid)


STARTING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"


@contextmanager
def ready_at_the_second_try() -> Generator[int]:
    """Yield the port of a way to the database that says once, as a server does, that it starts."""
    parts = urlsplit(facts()["database_url"])

    def let_in(server: socket.socket) -> None:
        refused = False
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            first = near.recv(65536)
            if not first:  # somebody looked whether anybody listens
                near.close()
            elif refused:
                far = socket.create_connection((parts.hostname, parts.port))
                far.sendall(first)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()
            else:
                refused = True
                near.sendall(b"E" + (len(STARTING) + 4).to_bytes(4, "big") + STARTING)
                near.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=let_in, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def test_what_was_refused_and_is_let_in_a_moment_later_is_worth_a_retry():
    """A server that has started meanwhile is no reason to correct the URL."""
    parts = urlsplit(facts()["database_url"])
    with ready_at_the_second_try() as port:
        near = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")
        address = DatabaseAddress(Secret(f"{near.geturl()}?sslmode=disable"))

        with pytest.raises(DatabaseUnreachable) as refused, Database(address, print):
            pass
        with Database(address, print):
            pass

    assert refused.value.retry_safe
    assert refused.value.true == (
        f"the database {parts.path[1:]} on 127.0.0.1:{port} did not let {parts.username} in, "
        "and a moment later it did: FATAL:  the database system is starting up"
    )


class TestProxy:
    """A program that the database is reached through."""

    PROXY = (
        "import socket, sys, threading\n"
        "there, port = (sys.argv[1], 5432), int(sys.argv[2])\n"
        "def pump(a, b):\n"
        "    while chunk := a.recv(65536): b.sendall(chunk)\n"
        "    b.shutdown(socket.SHUT_WR)\n"
        "with socket.create_server(('127.0.0.1', port)) as server:\n"
        "    print('listening', flush=True)\n"
        "    while True:\n"
        "        near, _ = server.accept(); far = socket.create_connection(there)\n"
        "        for pair in ((near, far), (far, near)):\n"
        "            threading.Thread(target=pump, args=pair, daemon=True).start()\n"
    )

    def through(self, scratch: Scratch, port: int, *words: str) -> Database:
        parts = urlsplit(scratch.url)
        url = urlunsplit(
            parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")
        )
        return Database(DatabaseAddress(Secret(url), words), scratch.logged.append)

    def test_it_runs_exactly_as_long_as_the_connection(self, scratch: Scratch):
        port = 54320
        words = (sys.executable, "-c", self.PROXY, str(urlsplit(scratch.url).hostname), str(port))

        for _ in range(2):
            with self.through(scratch, port, *words) as database:
                assert database.applied(SCHEMA, TABLE) == ()

        assert scratch.logged == ["proxy | listening"] * 2

    def test_one_that_ends_is_told_with_its_last_words(self, scratch: Scratch):
        words = ("sh", "-c", "echo no credentials >&2; exit 3")

        with pytest.raises(DatabaseUnreachable) as refused, self.through(scratch, 54321, *words):
            pass

        assert refused.value.true == (
            "the database's proxy sh is not ready (status 3)\n  no credentials"
        )

    def test_one_that_is_not_there_is_told(self, scratch: Scratch):
        with (
            pytest.raises(
                DatabaseUnreachable, match="no-such-proxy cannot be started: there is no such"
            ),
            self.through(scratch, 54322, "no-such-proxy"),
        ):
            pass
