"""A migrator that is killed anywhere, on each version of PostgreSQL, and run again."""

from __future__ import annotations

import os
import signal
import traceback
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import count, cycle, islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.sql import Composable

from tests.support.database import Scratch, folder, scratch_database
from tests.support.servers import VERSIONS

if TYPE_CHECKING:
    from tests.support.servers import Servers

pytestmark = pytest.mark.rehearsal

FIRST = "create table note (id int, body text); insert into note values (1, 'a'), (2, 'b');"
CUT = "\n--> statement-breakpoint\n"
INDEXES = (
    "select c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid "
    "where i.indrelid = 'note'::regclass order by 1"
)
WHOLE = folder(
    FIRST + "create index gone on note (id);",
    f"insert into note values (3, 'c');{CUT}commit;{CUT}drop index concurrently gone;{CUT}"
    f"create index concurrently kept on note (id);{CUT}insert into note values (4, 'd');",
)
SIDE_BY_SIDE = 6


# What changes nothing that another session sees: killed before one of them or before the next
# statement is the same.
UNSEEN = ("SELECT", "RESET", "SET", "BEGIN")


def changes(query: Any) -> bool:
    text = query.as_string() if isinstance(query, Composable) else query
    words = text.encode() if isinstance(text, str) else text
    return not words.lstrip().upper().startswith(tuple(word.encode() for word in UNSEEN))


def killed_before(number: int, scratch: Scratch) -> bool:
    """Apply in a process that kills itself before it changes something for the n-th time.

    Returns:
        Whether it came to that.
    """
    child = os.fork()
    if child == 0:
        asked, execute = count(1), psycopg.Connection.execute

        def counted(self: Any, query: Any, *words: Any, **named: Any) -> Any:
            if changes(query) and next(asked) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(self, query, *words, **named)

        psycopg.Connection.execute = counted
        try:
            scratch.apply(WHOLE)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


class Watched(Scratch):
    """A database that is looked at over one connection; making one costs more than asking."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._looking = psycopg.connect(url, autocommit=True)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        cursor = self._looking.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def kill_and_finish(url: str, first: int) -> int:
    """Kill before the n-th, n + 6th... change, and run again each time.

    Returns:
        The first of these numbers that it did not come to.
    """
    scratch, number, killed = Watched(url), first, True
    while killed:
        scratch.empty()
        killed = killed_before(number, scratch)
        scratch.wait_for_nobody()

        scratch.apply(WHOLE)

        place = f"killed before the {number}th change: {scratch.logged}"
        assert scratch.ask("select id from note order by id") == [(n,) for n in range(1, 5)], place
        assert scratch.ask(INDEXES) == [("kept", True)], place
        assert scratch.rows() == [(one.hash, one.when) for one in WHOLE.migrations], place
        number += SIDE_BY_SIDE if killed else 0
    return number


def test_killed_at_every_statement_and_run_again_it_ends_as_if_never_killed(servers: Servers):
    """In several databases side by side, on each version in turn."""
    with ExitStack() as open_ones, ProcessPoolExecutor(SIDE_BY_SIDE, get_context("fork")) as pool:
        databases = [
            open_ones.enter_context(scratch_database(on=servers.url(version))).url
            for version in islice(cycle(VERSIONS), SIDE_BY_SIDE)
        ]
        ends = list(pool.map(kill_and_finish, databases, range(1, SIDE_BY_SIDE + 1)))

    assert sorted(ends) == list(range(min(ends), min(ends) + SIDE_BY_SIDE)), "one was left out"
    assert min(ends) > 20
