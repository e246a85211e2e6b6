"""Files that cannot be one transaction, on a real PostgreSQL: cut off anywhere, and finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rollout.errors import DatabaseUnreachable, MigrationFailed, MigrationUnfinished
from rollout.executors.indexes import leftovers
from rollout.executors.migration_errors import LEAVE_THE_TEXT
from rollout.migrations.journal import Journal
from rollout.migrations.locks import Patience
from rollout.migrations.statements import ConcurrentReindex
from tests.support.database import Scratch, folder, held, scratch_database
from tests.support.servers import VERSIONS, Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.rehearsal

FIRST = "create table note (id int, body text); insert into note values (1, 'a'), (2, 'b');"
CUT = "\n--> statement-breakpoint\n"
VALID = "select c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid"


@pytest.fixture(scope="module", params=VERSIONS)
def database(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Scratch]:
    with scratch_database(on=servers.url(request.param)) as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    return database


def indexes(scratch: Scratch) -> list[tuple[Any, ...]]:
    return scratch.ask(
        f"{VALID} where i.indrelid = 'note'::regclass order by c.relname",
    )


def noted(scratch: Scratch) -> list[tuple[Any, ...]]:
    return scratch.ask(
        "select segment, statement, finished is not null, error from deploy.migration_step "
        "order by segment, statement"
    )


def test_an_index_is_built_beside_what_is_in_the_same_file(scratch: Scratch):
    journal = folder(
        FIRST
        + CUT
        + "create index concurrently i on note (id);"
        + CUT
        + "vacuum note;"
        + CUT
        + "insert into note values (3, 'c');"
    )

    assert scratch.apply(journal) == ["0000_step"]

    assert indexes(scratch) == [("i", True)]
    assert scratch.rows() == [(journal.migrations[0].hash, 1000)]
    assert noted(scratch) == [
        (1, 1, True, None),
        (2, 1, True, None),
        (2, 2, True, None),
        (3, 1, True, None),
    ]
    assert scratch.apply(journal) == []


def test_a_file_of_one_transaction_leaves_nothing_but_its_row(scratch: Scratch):
    scratch.apply(folder(FIRST))

    assert noted(scratch) == []


def test_a_commit_in_a_file_is_planned_and_a_failure_after_it_goes_on_there(scratch: Scratch):
    broken = folder(f"{FIRST}{CUT}commit;{CUT}insert into note values (3, (select 'c' from x));")

    with pytest.raises(MigrationUnfinished) as failed:
        scratch.apply(broken)

    assert failed.value.next_step == LEAVE_THE_TEXT
    assert failed.value.left == (
        "What was done of the file before that stays applied and is noted; those before it too. "
        "The next run goes on there."
    )
    assert scratch.rows() == []
    assert noted(scratch) == [(1, 1, True, None)]
    with pytest.raises(MigrationFailed, match="applied when it had another text"):
        scratch.apply(folder(f"{FIRST}{CUT}commit;{CUT}insert into note values (3, 'c');"))


def test_what_failed_outside_of_the_file_is_mended_and_the_file_finished(scratch: Scratch):
    journal = folder(f"{FIRST}{CUT}commit;{CUT}insert into note select id, 'c' from elsewhere;")
    with pytest.raises(MigrationFailed, match="statement 3, line 5"):
        scratch.apply(journal)

    scratch.ask("create table elsewhere as select 3 as id")

    assert scratch.apply(journal) == ["0000_step"]
    assert scratch.ask("select count(*) from note") == [(3,)]


def test_labels_are_used_in_the_file_that_adds_them(scratch: Scratch):
    journal = folder(
        "create type colour as enum ('red'); create table car (colour colour);",
        f"alter type colour add value 'blue';{CUT}insert into car values ('blue');",
    )

    assert len(scratch.apply(journal)) == 2
    assert scratch.ask("select colour::text from car") == [("blue",)]


def test_settings_hold_over_segments(scratch: Scratch):
    scratch.apply(
        folder(
            f"create schema other; set search_path = other; create table note (id int);{CUT}"
            f"create index concurrently i on note (id);{CUT}insert into note values (1);"
        )
    )

    assert scratch.ask(
        "select indexrelid::regclass::text from pg_index where not indisprimary "
        "and indrelid = 'other.note'::regclass"
    ) == [("other.i",)]
    assert scratch.ask("select count(*) from other.note") == [(1,)]


UNIQUE = "create unique index concurrently if not exists i on note (body) where id > 0;"


def test_an_index_that_failed_leaves_nothing_and_is_made_when_it_can_be(scratch: Scratch):
    journal = folder(FIRST, UNIQUE)
    scratch.apply(Journal(journal.migrations[:1]))
    scratch.ask("update note set body = 'a'")

    with pytest.raises(MigrationFailed, match="SQLSTATE 23505"):
        scratch.apply(journal)

    assert indexes(scratch) == []
    assert noted(scratch) == [(1, 1, False, "SQLSTATE 23505")]
    assert scratch.begun() == ()
    scratch.ask("delete from note where id = 2")
    assert scratch.apply(journal) == ["0001_step"]
    assert indexes(scratch) == [("i", True)]


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        ("create unique index concurrently i on note (body) where id > 0", False),
        ("create unique index concurrently i on note (body)", True),
    ],
)
def test_an_invalid_index_is_removed_only_when_it_is_ours(scratch: Scratch, left: str, kept: bool):
    journal = folder(FIRST, UNIQUE)
    scratch.apply(Journal(journal.migrations[:1]))
    scratch.ask("update note set body = 'a'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        scratch.ask(left)
    scratch.ask("delete from note where id = 2")
    assert indexes(scratch) == [("i", False)]

    if kept:
        with pytest.raises(MigrationFailed, match="no valid index i on note came of it"):
            scratch.apply(journal)
    else:
        scratch.apply(journal)

    assert indexes(scratch) == [("i", not kept)]


def when_it_waits(scratch: Scratch, do: Callable[[], object]) -> Callable[[str], None]:
    """Return what does something, once, as soon as the log names who blocks."""
    left = [do]

    def hear(line: str) -> None:
        if "waits for process" in line and left:
            left.pop()()

    return hear


def test_a_connection_cut_while_an_index_is_built_is_gone_on_after(scratch: Scratch):
    journal = folder(FIRST, f"insert into note values (3, 'c');{CUT}{UNIQUE}")
    scratch.apply(Journal(journal.migrations[:1]))
    assert scratch.begun() == ()
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity where "
        "application_name = 'trovella-deploy' and query ~ 'concurrently' and state = 'active'"
    )
    with held(scratch, "insert into note values (4, 'd')"):
        scratch.hear = when_it_waits(scratch, lambda: scratch.ask(cut))
        with pytest.raises(DatabaseUnreachable):
            scratch.apply(journal)

    assert indexes(scratch) == [("i", False)]
    assert noted(scratch) == [(1, 1, True, None), (2, 1, False, None)]
    scratch.wait_for_nobody()
    assert scratch.begun() == ("0001_step",)
    assert scratch.apply(journal) == ["0001_step"]
    assert scratch.begun() == ()
    assert indexes(scratch) == [("i", True)]
    assert scratch.ask("select count(*) from note") == [(4,)]
    assert any("is invalid, left by a failed try" in line for line in scratch.logged)


REINDEX = folder(FIRST + "create index i on note (id);", "reindex table concurrently note;")


def cut_while_rebuilding(scratch: Scratch) -> None:
    """Leave what a REINDEX CONCURRENTLY leaves that is cut off, and an index that looks like it."""
    scratch.apply(Journal(REINDEX.migrations[:1]))
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity where "
        "application_name = 'trovella-deploy' and query ~ 'reindex' and state = 'active'"
    )
    with held(scratch, "insert into note values (4, 'd')"):
        scratch.hear = when_it_waits(scratch, lambda: scratch.ask(cut))
        with pytest.raises(DatabaseUnreachable):
            scratch.apply(REINDEX)
    scratch.wait_for_nobody()
    scratch.ask("update note set body = 'a'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        scratch.ask("create unique index concurrently theirs_ccnew on note (body)")
    assert indexes(scratch) == [("i", True), ("i_ccnew", False), ("theirs_ccnew", False)]


def test_what_a_cut_reindex_leaves_is_removed_before_the_retry(scratch: Scratch):
    cut_while_rebuilding(scratch)
    # The invalid unique index would be rebuilt with the table, and fail as it did.
    scratch.ask("alter index theirs_ccnew rename to theirs; drop index theirs")

    assert scratch.apply(REINDEX) == ["0001_step"]

    assert indexes(scratch) == [("i", True)]
    told = "public.i_ccnew is half built, left by a failed try: it is removed"
    assert told in scratch.logged


def test_an_index_that_only_looks_like_a_leftover_stays(scratch: Scratch):
    cut_while_rebuilding(scratch)
    with psycopg.connect(scratch.url, autocommit=True) as connection:
        found = {
            (kind, name): leftovers(connection, ConcurrentReindex(kind, name))
            for kind, name in (
                ("TABLE", "note"),
                ("INDEX", "i"),
                ("INDEX", "theirs_ccnew"),
                ("SCHEMA", "public"),
                ("SCHEMA", "deploy"),
                ("DATABASE", ""),
            )
        }

    assert {key for key, names in found.items() if names == ("public.i_ccnew",)} == {
        ("TABLE", "note"),
        ("INDEX", "i"),
        ("SCHEMA", "public"),
        ("DATABASE", ""),
    }
    assert found["INDEX", "theirs_ccnew"] == found["SCHEMA", "deploy"] == ()


def test_a_reindex_whose_wait_ran_out_leaves_nothing_and_is_tried_again(scratch: Scratch):
    scratch.apply(Journal(REINDEX.migrations[:1]))
    with held(scratch, "insert into note values (4, 'd')") as holder:
        scratch.hear = lambda line: holder.rollback() if "try 1 of" in line else None
        scratch.apply(REINDEX, Patience(concurrent_s=0.3, shared_s=0.3))

    assert indexes(scratch) == [("i", True)]


def test_an_index_whose_wait_ran_out_is_tried_again_by_itself(scratch: Scratch):
    journal = folder(FIRST, f"insert into note values (3, 'c');{CUT}{UNIQUE}")
    scratch.apply(Journal(journal.migrations[:1]))
    with held(scratch, "insert into note values (4, 'd')") as holder:
        scratch.hear = lambda line: holder.rollback() if "try 1 of" in line else None
        scratch.apply(journal, Patience(concurrent_s=0.3, shared_s=0.3))

    assert indexes(scratch) == [("i", True)]
    assert scratch.ask("select count(*) from note") == [(3,)]


def test_a_detach_that_was_cut_off_is_finished(scratch: Scratch):
    journal = folder(
        "create table log (id int) partition by list (id); "
        "create table log_1 partition of log for values in (1);",
        "alter table log detach partition log_1 concurrently;",
    )
    scratch.apply(Journal(journal.migrations[:1]))
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity where "
        "application_name = 'trovella-deploy' and query ~ 'detach' and state = 'active'"
    )
    with held(scratch, "select * from log"):
        scratch.hear = when_it_waits(scratch, lambda: scratch.ask(cut))
        with pytest.raises(DatabaseUnreachable):
            scratch.apply(journal)
    assert scratch.ask("select inhdetachpending from pg_inherits") == [(True,)]
    scratch.wait_for_nobody()

    assert scratch.apply(journal) == ["0001_step"]
    assert scratch.ask("select inhdetachpending from pg_inherits") == []
