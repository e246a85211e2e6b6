"""Locks on a real PostgreSQL: short waits, tried again, and who is waited for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest

from rollout.errors import DatabaseLocked
from rollout.migrations.journal import Journal
from rollout.migrations.locks import Patience
from tests.support.database import Scratch, folder, held, scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

NOTE = folder(
    "create table note (id int primary key, body text); insert into note values (1, 'a');",
    "alter table note add column done boolean;",
)
HASTY_S, READER_S = 0.3, 1.0
HASTY = Patience(exclusive_s=HASTY_S, shared_s=HASTY_S)


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    database.apply(Journal(NOTE.migrations[:1]))
    database.logged.clear()
    return database


def tries(scratch: Scratch) -> list[str]:
    return [line for line in scratch.logged if "(SQLSTATE 55P03), try " in line]


def test_a_lock_that_is_never_free_is_given_up_after_the_last_try(scratch: Scratch):
    patience = Patience(exclusive_s=0.1, tries=3)

    with held(scratch, "select * from note"), pytest.raises(DatabaseLocked) as locked:
        scratch.apply(NOTE, patience)

    assert locked.value.true == (
        "0001_step.sql, statement 1: canceling statement due to lock timeout (SQLSTATE 55P03), "
        "3 times; each try waited for a moment only, so that nobody else did"
    )
    assert locked.value.retry_safe
    assert len(tries(scratch)) == 2
    assert scratch.apply(NOTE) == ["0001_step"]


def test_no_try_begins_after_the_time_for_all_of_them(scratch: Scratch):
    patience = Patience(exclusive_s=0.1, tries=30, within_s=0.01)

    with held(scratch, "select * from note"), pytest.raises(DatabaseLocked, match="1 times"):
        scratch.apply(NOTE, patience)

    assert tries(scratch) == []


def test_other_errors_are_not_tried_again(scratch: Scratch):
    broken = folder(NOTE.migrations[0].text, "alter table note add column body int;")

    with pytest.raises(Exception, match="SQLSTATE 42701"):
        scratch.apply(broken)

    assert tries(scratch) == []


def test_who_blocks_is_named_without_what_their_query_holds(scratch: Scratch):
    query = "select id from note where body <> 'hunter22' -- hunter22\n and id > 7"
    with held(scratch, query) as holder:

        def let_go(line: str) -> None:
            if "try 1 of" in line:
                holder.commit()

        scratch.hear = let_go
        assert scratch.apply(NOTE, HASTY) == ["0001_step"]
        pid = holder.info.backend_pid

    [told] = [line for line in scratch.logged if "waits for process" in line]
    assert told.startswith(
        f"0001_step waits for process {pid} (somebody, idle in transaction, in a transaction for "
    )
    assert told.endswith("s): select id from note where body <> ? and id > ?")


def test_a_transaction_is_tried_again_as_a_whole(scratch: Scratch):
    journal = folder(
        NOTE.migrations[0].text,
        "insert into note values (2, 'b');\n--> statement-breakpoint\nalter table note add c int;",
    )
    with held(scratch, "select * from note") as holder:
        scratch.hear = lambda line: holder.commit() if "try 2 of" in line else None
        assert scratch.apply(journal, HASTY) == ["0001_step"]

    assert scratch.ask("select count(*) from note") == [(2,)]
    assert len(tries(scratch)) == 2


class Reader(threading.Thread):
    """Reads a row again and again; the server itself ends a read that waits too long."""

    def __init__(self, scratch: Scratch, release: threading.Event) -> None:
        super().__init__()
        self.over = threading.Event()
        self.read, self.stalled = 0, 0
        self._scratch, self._release = scratch, release

    def run(self) -> None:
        # A prepared plan would not survive the new column, which is not what is asked here.
        with psycopg.connect(
            self._scratch.url, autocommit=True, prepare_threshold=None
        ) as connection:
            connection.execute(f"set lock_timeout = '{READER_S:g}s'".encode())
            while not self.over.is_set():
                try:
                    connection.execute("select * from note where id = 1")
                    self.read += 1
                except psycopg.errors.LockNotAvailable:
                    self.stalled += 1
                    self._release.set()


@pytest.mark.parametrize(
    ("patience", "stalls"), [(HASTY, False), (Patience(exclusive_s=20.0), True)]
)
def test_a_reader_waits_no_longer_than_a_short_try(scratch: Scratch, patience, stalls: bool):
    release = threading.Event()
    reader = Reader(scratch, release)
    with held(scratch, "select * from note") as holder:

        def let_go() -> None:
            release.wait(30)
            holder.commit()

        scratch.hear = lambda line: release.set() if "try 3 of" in line else None
        letting = threading.Thread(target=let_go)
        letting.start()
        reader.start()
        try:
            assert scratch.apply(NOTE, patience) == ["0001_step"]
        finally:
            reader.over.set()
            release.set()
            letting.join()
            reader.join()

    assert (reader.stalled > 0) is stalls
    assert reader.read > 0
    assert len(tries(scratch)) == (0 if stalls else 3)


def test_a_deadlock_is_tried_again(scratch: Scratch):
    journal = folder(
        NOTE.migrations[0].text,
        "alter table note add column c int;\n--> statement-breakpoint\nlock table other;",
    )
    scratch.ask("create table other (id int)")
    # Only we look for deadlocks, so that it is we who are ended.
    with held(scratch, "set deadlock_timeout = '1h'; lock table other") as holder:
        left = [True]

        def entangle(line: str) -> None:
            if "waits for process" in line and left:
                left.pop()
                holder.execute("lock table note")
                holder.commit()

        scratch.hear = entangle
        assert scratch.apply(journal, Patience(exclusive_s=30.0)) == ["0001_step"]

    assert [line for line in scratch.logged if "(SQLSTATE 40P01), try 1 of 30; again in" in line]
