"""Bad input and bad days: one clear message each, and nothing that a second run does not finish.

On the oldest, the rehearsed and the newest PostgreSQL. What the files of a folder may be is decided
before a connection is needed (tests/unit/migrations/test_journal.py); here it is refused, or
applied, with a database behind it.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg import pq

from rollout.decide.migrate import decide_migrations
from rollout.errors import AlreadyMigrating, DatabaseError, DatabaseUnreachable, MigrationFailed
from rollout.executors import postgres
from rollout.executors.database import Database
from rollout.migrations.journal import Journal, parse
from rollout.model.command import Secret
from rollout.model.finding import Refuse
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, Scratch, folder, scratch_database
from tests.support.servers import NEWEST, OLDEST, VERSIONS, Server, Servers, server
from tests.support.wire import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.rehearsal

CUT = "\n--> statement-breakpoint\n"
FIRST = "create table note (id int, body text);"
UNKNOWN = "Whether the last migration was applied is not known; the database knows."
READ_AGAIN = "Retry: what the database holds is read again first."
WHOLE = "The file was rolled back as a whole; those before it stay applied."
SLOW = folder(FIRST, f"insert into note values (1);{CUT}select pg_sleep(1);{CUT}select 1;")


@pytest.fixture(scope="module", params=VERSIONS)
def database(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Scratch]:
    with scratch_database(on=servers.url(request.param)) as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    return database


@pytest.fixture(scope="module", params=[OLDEST, NEWEST])
def own(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(request.param, wal="48m", small="4m") as own:
        own.ask("create tablespace small location '/srv/small'")
        yield own


def changed(url: str, **parts: str) -> str:
    """Return a URL with another `password`, `path` or `host` (name and port)."""
    old = urlsplit(url)
    password = parts.get("password", old.password)
    host = parts.get("host", f"{old.hostname}:{old.port}")
    netloc = f"{old.username}:{password}@{host}"
    return urlunsplit(old._replace(netloc=netloc, path=parts.get("path", old.path)))


def refusal(url: str) -> DatabaseError:
    """Return what is told when somebody migrates there."""
    with (
        pytest.raises(DatabaseError) as refused,
        Database(DatabaseAddress(Secret(url)), print) as database,
    ):
        database.apply(SLOW.migrations[0], SCHEMA, TABLE)
    return refused.value


class TestAddress:
    """What is wrong with the address."""

    def test_a_wrong_password(self, scratch: Scratch):
        refused = refusal(changed(scratch.url, password="hunter22"))

        parts = urlsplit(scratch.url)
        place = f"{parts.hostname}:{parts.port}"
        assert str(refused) == (
            f"the database {scratch.name} on {place} does not let postgres in: "
            'FATAL:  password authentication failed for user "postgres"\n'
            "left: Nothing was changed.\n"
            "next: Correct the URL in Secret Manager, or what the server allows this user."
        )
        assert not refused.retry_safe

    def test_no_such_database(self, scratch: Scratch):
        refused = refusal(changed(scratch.url, path="/nowhere"))

        assert refused.true.endswith(
            'does not let postgres in: FATAL:  database "nowhere" does not exist'
        )
        assert (refused.left, refused.retry_safe) == ("Nothing was changed.", False)


def test_a_standby_is_refused_and_once_promoted_it_is_migrated(own: Server):
    with scratch_database(on=own.url) as scratch:
        scratch.apply(Journal(SLOW.migrations[:1]))
        with server(own.version, standby_of=own) as standby:
            url = changed(standby.url, path=f"/{scratch.name}")
            address = DatabaseAddress(Secret(url))

            assert str(refusal(url)) == (
                "the database is read-only: its server is a replica, or recovers\n"
                "left: Nothing was changed.\n"
                "next: Name the primary in the database's block; if it is the primary, wait until "
                "it has recovered, then retry."
            )
            with Database(address, print) as database:
                assert len(database.applied(SCHEMA, TABLE)) == 1
            standby.ask("select pg_promote()")
            with Database(address, print) as database:
                assert database.apply(SLOW.migrations[1], SCHEMA, TABLE) == "applied"
        assert len(scratch.rows()) == 1


@pytest.mark.parametrize("own", [NEWEST], indirect=True)
def test_a_server_that_is_not_ready_is_told_apart_from_one_that_refuses(own: Server):
    """A standby that takes no readers answers like a server that starts or recovers."""
    own.ask("alter system set hot_standby = off")  # for what is copied from it
    with server(own.version, standby_of=own, ready=pq.Ping.REJECT) as standby:
        refused = refusal(standby.url)

    assert isinstance(refused, DatabaseUnreachable)
    assert refused.true.endswith("cannot be reached: its server starts, recovers or shuts down")
    assert refused.sqlstate == "57P03"


def when_it_sleeps(scratch: Scratch, do: Callable[[], object]) -> threading.Thread:
    """Do something as soon as a migration sleeps."""
    asleep = (
        "select 1 from pg_stat_activity where application_name = 'trovella-deploy' and "
        "datname = current_database() and wait_event = 'PgSleep'"
    )

    def watch() -> None:
        deadline = time.monotonic() + 30
        while not scratch.ask(asleep) and time.monotonic() < deadline:
            time.sleep(0.02)
        do()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


class TestLostConnection:
    """A connection that is lost in the middle of a file."""

    def lose(self, scratch: Scratch, url: str, do: Callable[[], object]) -> DatabaseError:
        scratch.apply(Journal(SLOW.migrations[:1]))
        losing = when_it_sleeps(scratch, do)
        with (
            pytest.raises(DatabaseUnreachable) as lost,
            Database(DatabaseAddress(Secret(url)), scratch.log) as database,
        ):
            database.apply(SLOW.migrations[1], SCHEMA, TABLE)
        losing.join()
        assert lost.value.true == "0001_step.sql, statement 2: the connection was cut"
        assert (lost.value.left, lost.value.next_step) == (UNKNOWN, READ_AGAIN)
        assert lost.value.retry_safe
        return lost.value

    def finish(self, scratch: Scratch) -> None:
        assert scratch.ask("select count(*) from note") == [(0,)]
        assert scratch.apply(SLOW) == ["0001_step"]
        assert scratch.ask("select count(*) from note") == [(1,)]
        assert len(scratch.rows()) == 2

    def test_ended_by_the_server(self, scratch: Scratch):
        end = (
            "select pg_terminate_backend(pid) from pg_stat_activity where "
            "application_name = 'trovella-deploy' and datname = current_database()"
        )
        ended: list[object] = []
        self.lose(scratch, scratch.url, lambda: ended.extend(scratch.ask(end)))

        assert (True,) in ended
        self.finish(scratch)

    @pytest.mark.parametrize("database", [NEWEST], indirect=True)
    def test_reset_on_the_way_and_the_server_does_not_know_yet(self, scratch: Scratch):
        with wire(scratch.url) as line:
            self.lose(scratch, line.url, line.reset)

            with pytest.raises(AlreadyMigrating) as busy:
                scratch.apply(SLOW)

        assert busy.value.true.startswith("another session migrates this database: process ")
        assert busy.value.next_step == "Wait until it has ended, then retry."
        assert busy.value.retry_safe
        scratch.wait_for_nobody()
        self.finish(scratch)

    @pytest.mark.parametrize("own", [NEWEST], indirect=True)
    def test_nothing_gets_through_any_more(self, own: Server, monkeypatch: pytest.MonkeyPatch):
        """What no end is told of; with the limits of production it takes 25 s to be seen."""
        for name, value in (("idle", 1), ("interval", 1), ("count", 2)):
            monkeypatch.setitem(postgres._SETTINGS, f"keepalives_{name}", value)
        monkeypatch.setitem(postgres._SETTINGS, "tcp_user_timeout", 2000)
        there = "192.0.2.1"
        ip = ("ip", "address")
        with scratch_database(on=own.url) as scratch:
            subprocess.run([*ip, "add", f"{there}/32", "dev", "lo"], check=True)
            url = changed(scratch.url, host=f"{there}:{urlsplit(scratch.url).port}")
            cut = [*ip, "delete", f"{there}/32", "dev", "lo"]
            self.lose(scratch, url, lambda: subprocess.run(cut, check=True))

            scratch.wait_for_nobody()
            self.finish(scratch)


MORE_ROOM = (
    "The migration need not be changed: give the database's server what it is short of (disk, "
    "memory or connections), then retry."
)
MANY = "select md5(n::text) || md5((n + 1)::text) from generate_series(1, {}) n"


class TestDiskFull:
    """A disk of the server's that is full."""

    def test_where_the_tables_lie(self, own: Server):
        with scratch_database(on=own.url) as scratch:
            scratch.ask(f"alter database {scratch.name} set default_tablespace = small")
            journal = folder(FIRST, f"insert into note (body) {MANY.format(100_000)};")

            with pytest.raises(MigrationFailed) as failed:
                scratch.apply(journal)

            assert failed.value.true.startswith(
                "0001_step.sql, statement 1: could not extend file "
            )
            assert failed.value.true.endswith("No space left on device (SQLSTATE 53100)")
            assert failed.value.left == WHOLE
            assert failed.value.next_step == MORE_ROOM
            assert len(scratch.rows()) == 1
            own.resize("small", "64m")
            assert scratch.apply(journal) == ["0001_step"]
            assert scratch.ask("select count(*) from note") == [(100_000,)]
            scratch.ask("drop table note")

    @pytest.mark.parametrize("own", [NEWEST], indirect=True)
    def test_where_the_write_ahead_log_lies(self, own: Server):
        """The server ends itself, as often as it starts anew, until there is room."""
        with scratch_database(on=own.url) as scratch:
            journal = folder(FIRST, f"insert into note (body) {MANY.format(600_000)};")

            with pytest.raises(DatabaseError) as lost:
                scratch.apply(journal)

            # Whichever of the server's processes meets it first: another one only cuts us off.
            if isinstance(lost.value, MigrationFailed):
                assert lost.value.true.endswith("No space left on device (SQLSTATE 53100)")
                assert lost.value.next_step == MORE_ROOM
            else:
                assert lost.value.true == "0001_step.sql, statement 1: the connection was cut"
                assert lost.value.next_step == READ_AGAIN
            assert lost.value.left == UNKNOWN
            own.resize("wal", "256m")
            finish_when_it_is_back(scratch, journal)
            assert scratch.ask("select count(*) from note") == [(600_000,)]
            assert len(scratch.rows()) == 2


def finish_when_it_is_back(scratch: Scratch, journal: Journal) -> None:
    """Try again as Prefect does, which only what is safe to retry allows."""
    deadline = time.monotonic() + 60
    while True:
        try:
            assert scratch.apply(journal) == ["0001_step"]
        except DatabaseUnreachable as still:
            told = str(still)
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def rehearsed() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


class TestFolder:
    """What is wrong with the files; no server's version knows of it."""

    @pytest.fixture
    def scratch(self, rehearsed: Scratch) -> Scratch:
        rehearsed.empty()
        return rehearsed

    def refused(self, scratch: Scratch, journal: Journal) -> list[tuple[str, str]]:
        with scratch.open() as database:
            plan = decide_migrations(journal, database.applied(SCHEMA, TABLE), None)
        assert isinstance(plan.verdict, Refuse), plan.describe()
        assert all(one.consequence and one.help for one in plan.verdict.findings)
        return [(one.rule, one.where) for one in plan.verdict.findings]

    @pytest.mark.parametrize(
        ("files", "rule", "where"),
        [
            ({"meta/_journal.json": "<<<<<<< HEAD"}, "broken-journal", "meta/_journal.json"),
            ({"0000_a.sql": FIRST}, "missing-journal", "meta/_journal.json"),
            ({"meta/_journal.json": "{}"}, "broken-journal", "meta/_journal.json"),
        ],
    )
    def test_a_journal_that_is_none(
        self, scratch: Scratch, files: dict[str, str], rule: str, where: str
    ):
        assert self.refused(scratch, parse(files)) == [(rule, where)]

    def test_a_file_that_is_missing(self, scratch: Scratch):
        journal = json.dumps({"entries": [{"idx": 0, "when": 1000, "tag": "0000_a"}]})

        assert self.refused(scratch, parse({"meta/_journal.json": journal})) == [
            ("entry-without-file", "0000_a.sql")
        ]

    def test_two_heads_are_told_and_applied_in_the_journals_order(self, scratch: Scratch):
        entries = [{"idx": n, "when": 1000 + n, "tag": f"000{n}_a"} for n in range(3)]
        files = {"meta/_journal.json": json.dumps({"entries": entries})}
        for number, (name, before) in enumerate((("a", "0"), ("b", "a"), ("c", "a"))):
            files[f"000{number}_a.sql"] = f"create table t{number} (id int);"
            snapshot = json.dumps({"id": name, "prevId": before})
            files[f"meta/000{number}_snapshot.json"] = snapshot
        journal = parse(files)
        with scratch.open() as database:
            plan = decide_migrations(journal, database.applied(SCHEMA, TABLE), None)

        assert [(one.rule, one.where) for one in plan.findings] == [
            ("two-heads", "meta/0002_snapshot.json")
        ]
        assert scratch.apply(journal) == ["0000_a", "0001_a", "0002_a"]

    def test_a_byte_order_mark(self, scratch: Scratch):
        assert self.refused(scratch, folder(f"\ufeff{FIRST}")) == [
            ("byte-order-mark", "0000_step.sql")
        ]

    def test_other_line_ends_than_it_was_applied_with(self, scratch: Scratch):
        text = f"{FIRST}\n\ninsert into note values (1);\n"
        scratch.apply(folder(text))
        checkout = folder(text.replace("\n", "\r\n"))

        assert self.refused(scratch, checkout) == [("checksum-drift", "0000_step.sql")]
        with scratch.open() as database:
            plan = decide_migrations(checkout, database.applied(SCHEMA, TABLE), None)
        assert plan.describe() == (
            "refused: it was applied with other line ends, and is else the same: a checkout "
            "changed it"
        )
        assert scratch.apply(folder(text)) == []

    def test_windows_line_ends_are_applied_as_they_are(self, scratch: Scratch):
        text = f"{FIRST}\r\n--> statement-breakpoint\r\ninsert into note values (1, 'a\r\nb');\r\n"

        assert scratch.apply(folder(text)) == ["0000_step"]
        assert scratch.apply(folder(text)) == []
        assert scratch.ask("select body from note") == [("a\r\nb",)]

    @pytest.mark.parametrize("text", ["", " \n", "-- nothing\n", "/* x */;"])
    def test_an_empty_file_gets_its_row(self, scratch: Scratch, text: str):
        journal = folder(text, FIRST)

        assert scratch.apply(journal) == ["0000_step", "0001_step"]
        assert len(scratch.rows()) == 2
        assert scratch.apply(journal) == []

    def test_a_file_that_makes_its_transaction_read_only(self, scratch: Scratch):
        with pytest.raises(MigrationFailed) as failed:
            scratch.apply(folder(f"set transaction read only;{CUT}{FIRST}"))

        assert failed.value.true == (
            "0000_step.sql, statement 2: cannot execute CREATE TABLE in a read-only transaction "
            "(SQLSTATE 25006)"
        )
        assert failed.value.next_step.startswith("If the file sets that itself, take it out;")
        assert scratch.rows() == []
