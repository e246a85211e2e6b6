"""Migrations on a real PostgreSQL: one transaction a file, two runs at once, every refusal."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from rollout.config import Migrations
from rollout.decide.migrate import decide_migrations, verify_applied
from rollout.decide.scope import decide_scope
from rollout.errors import AlreadyMigrating, DatabaseError, DatabaseUnreachable, MigrationFailed
from rollout.executors.database import Database
from rollout.executors.pooled import demand_own_session
from rollout.migrations.contract_json import fingerprint
from rollout.migrations.journal import Journal, parse
from rollout.model.command import Secret
from rollout.model.finding import Go
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, Scratch, folder, scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

DRIZZLE = (
    "CREATE SCHEMA IF NOT EXISTS drizzle; CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations "
    "( id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint )"
)


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    return database


def test_a_fresh_database_gets_everything_in_order(scratch: Scratch):
    journal = folder(
        "create table note (id serial primary key, body text);\n--> statement-breakpoint\n"
        "insert into note (body) values ('100 %s'); insert into note (body) values ('é');",
        "alter table note add column done boolean not null default false;",
    )

    assert scratch.apply(journal) == ["0000_step", "0001_step"]
    assert scratch.ask("select id, body, done from note order by id") == [
        (1, "100 %s", False),
        (2, "é", False),
    ]
    assert scratch.rows() == [
        (journal.migrations[0].hash, 1000),
        (journal.migrations[1].hash, 2000),
    ]
    assert scratch.apply(journal) == []
    with scratch.open() as database:
        assert verify_applied(journal, database.applied(SCHEMA, TABLE)) == Go()


def test_the_table_is_exactly_drizzles(scratch: Scratch):
    describe = (
        "select column_name, data_type, is_nullable, column_default from "
        "information_schema.columns where table_schema = 'drizzle' order by ordinal_position"
    )
    scratch.ask(DRIZZLE)
    drizzles = scratch.ask(describe)
    scratch.ask("drop schema drizzle cascade")

    scratch.apply(folder("select 1;"))

    assert scratch.ask(describe) == drizzles
    assert [name for name, *_ in drizzles] == ["id", "hash", "created_at"]


def test_what_drizzle_applied_is_not_applied_again(scratch: Scratch):
    journal = folder("create table note (id int);", "alter table note add column body text;")
    first = journal.migrations[0]
    scratch.ask(f"{DRIZZLE}; {first.text}")
    scratch.ask(
        "insert into drizzle.__drizzle_migrations (hash, created_at) "
        f"values ('{first.hash}', {first.when})"
    )

    assert scratch.apply(journal) == ["0001_step"]


def test_a_file_that_came_in_late_is_applied(scratch: Scratch):
    whole = folder("create table a (id int);", "create table b (id int);", "create table c ();")
    scratch.apply(Journal((whole.migrations[0], whole.migrations[2])))

    assert scratch.apply(whole) == ["0001_step"]


def test_a_failing_file_leaves_nothing_of_itself_and_names_its_place(scratch: Scratch):
    journal = folder(
        "create table note (id int primary key, email text);",
        "create table half (id int);\n--> statement-breakpoint\n"
        "insert into half values (1);\n\nselect nothing from half;\n",
        "create table never (id int);",
    )

    with pytest.raises(MigrationFailed) as failed:
        scratch.apply(journal)

    assert str(failed.value) == (
        '0001_step.sql, statement 2, line 5: column "nothing" does not exist (SQLSTATE 42703)\n'
        "left: The file was rolled back as a whole; those before it stay applied.\n"
        "next: Correct the migration in a new commit and deploy that."
    )
    assert scratch.ask("select to_regclass('half')::text, to_regclass('never')::text") == [
        (None, None)
    ]
    assert [when for _, when in scratch.rows()] == [1000]


def test_values_of_rows_stay_out_of_the_message(scratch: Scratch):
    journal = folder(
        "create table person (email text, born int); "
        "insert into person values ('ada@example.org', null);",
        "alter table person alter column born set not null;",
        "alter table person add constraint grown check (email <> 'ada@example.org');",
    )
    scratch.apply(Journal(journal.migrations[:1]))

    with pytest.raises(MigrationFailed) as failed:
        scratch.apply(journal)

    assert failed.value.true == (
        '0001_step.sql, statement 1: column "born" of relation "person" contains null values '
        "(SQLSTATE 23502, table person, column born)"
    )
    with pytest.raises(MigrationFailed, match="constraint grown") as failed:
        scratch.apply(Journal((journal.migrations[0], journal.migrations[2])))
    assert "ada@" not in str(failed.value)


def test_a_file_that_gives_its_transaction_up_is_told_and_gets_no_row(scratch: Scratch):
    text = "create table half (id int);\n--> statement-breakpoint\nselect 1; rollback; begin;"

    with (
        pytest.raises(MigrationFailed, match="statement 2: the file ends its transaction itself"),
        scratch.open() as database,
    ):
        database.apply(folder(text).migrations[0], SCHEMA, TABLE)

    assert scratch.rows() == []


@pytest.mark.parametrize("text", ["", "-- nothing\n", "create table note (id int);\r\n\r\n"])
def test_empty_files_and_other_line_ends_get_their_row(scratch: Scratch, text: str):
    journal = folder(text)

    assert scratch.apply(journal) == ["0000_step"]
    assert scratch.rows() == [(hashlib.sha256(text.encode()).hexdigest(), 1000)]


def test_a_byte_order_mark_is_refused_by_us_because_it_is_by_the_server(scratch: Scratch):
    journal = folder("\ufeffcreate table note (id int);")
    plan = decide_migrations(journal, (), None)

    with (
        pytest.raises(MigrationFailed, match="SQLSTATE 42601"),
        scratch.open() as database,
    ):
        database.apply(journal.migrations[0], SCHEMA, TABLE)

    assert plan.describe() == "refused: PostgreSQL refuses the mark before the first statement"
    assert scratch.rows() == []


def test_a_marker_is_left_before_anything_is_applied(scratch: Scratch):
    journal = folder("create table note (id int);", "create table more (id int);")

    scratch.apply(Journal(journal.migrations[:1]))
    scratch.apply(journal)

    first = journal.migrations[0].hash[:12]
    heads = scratch.ask("select ledger_head from deploy.migration_marker order by id")
    assert heads == [("empty",), (f"row 1, hash {first}",)]
    marker = next(line for line in scratch.logged if line.startswith("before anything is applied"))
    assert marker.endswith("Drizzle's table: empty")


def test_the_marker_has_the_contract_also_where_its_table_is_older(scratch: Scratch):
    journal = folder("create table note (id int);", "create table more (id int);")
    scratch.apply(Journal(journal.migrations[:1]))
    scratch.ask("alter table deploy.migration_marker drop column contract")

    with scratch.open() as database:
        scope = decide_scope(Migrations(folder="migrations"), database.user)
        before = database.contract(scope)
        database.apply(journal.migrations[1], SCHEMA, TABLE, fingerprint(before))
        after = database.contract(scope)

    contracts = scratch.ask("select contract from deploy.migration_marker order by id")
    assert contracts == [("",), (fingerprint(before),)]
    assert any(f"schema contract {fingerprint(before)[:12]}" in line for line in scratch.logged)
    assert [relation.name for relation in before.relations] == ["public.note"]
    assert [relation.name for relation in after.relations] == ["public.more", "public.note"]
    assert (after.sequences, after.functions) == ((), ())


def test_a_connection_without_a_session_of_its_own_is_refused(scratch: Scratch):
    with psycopg.connect(scratch.url, autocommit=True) as one:
        with psycopg.connect(scratch.url, autocommit=True) as two:
            assert demand_own_session(one, two) == one.info.backend_pid
        # What a pooler of one session does: both ends lead to the same process.
        with pytest.raises(DatabaseError, match="Name the database's direct address"):
            demand_own_session(one, one)


def test_empty_parts_and_comments_are_harmless(scratch: Scratch):
    text = "-- nothing yet\n--> statement-breakpoint\n\n--> statement-breakpoint\n/* x */"

    assert scratch.apply(folder(text)) == ["0000_step"]


def test_settings_of_one_file_do_not_reach_the_next(scratch: Scratch):
    scratch.apply(
        folder(
            "create schema other; set search_path = other; set lock_timeout = 0; "
            "set role pg_monitor;",
            "create table note (id int); "
            "create table seen as select current_setting('lock_timeout') as lock_timeout;",
        )
    )

    assert scratch.ask("select to_regclass('public.note')::text") == [("note",)]
    assert scratch.ask("select lock_timeout from seen") == [("2s",)]


def test_enum_labels_may_be_used_by_the_next_file(scratch: Scratch):
    journal = folder(
        "create type colour as enum ('red'); create table car (colour colour);",
        "alter type colour add value 'blue';",
        "insert into car values ('blue');",
    )

    assert len(scratch.apply(journal)) == 3


def test_of_two_runs_at_once_one_is_told_who_the_other_is(scratch: Scratch):
    journal = folder("create table note (id int);", "insert into note values (1);")
    with scratch.open() as first:
        first.apply(journal.migrations[0], SCHEMA, TABLE)

        with pytest.raises(AlreadyMigrating) as locked, scratch.open() as second:
            second.apply(journal.migrations[1], SCHEMA, TABLE)

        assert locked.value.true.startswith("another session migrates this database: process ")
        assert "(trovella-deploy), since 20" in locked.value.true
        first.apply(journal.migrations[1], SCHEMA, TABLE)

    assert scratch.ask("select count(*) from note") == [(1,)]


def test_what_another_run_applied_meanwhile_is_not_applied_twice(scratch: Scratch):
    journal = folder("create table note (id int); insert into note values (1);")
    with scratch.open() as late:
        plan = decide_migrations(journal, late.applied(SCHEMA, TABLE), None)
        scratch.apply(journal)

        assert late.apply(plan.pending[0], SCHEMA, TABLE) == "already applied"

    assert scratch.ask("select count(*) from note") == [(1,)]
    assert len(scratch.rows()) == 1


def test_a_cut_connection_says_so_and_trying_again_finishes(scratch: Scratch):
    journal = folder(
        "create table note (id int);", "insert into note values (1); select pg_sleep(20);"
    )
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity where "
        "application_name = 'trovella-deploy' and wait_event = 'PgSleep'"
    )

    def cut_it() -> None:
        deadline = time.monotonic() + 15
        while not scratch.ask(cut) and time.monotonic() < deadline:
            time.sleep(0.05)

    cutter = threading.Thread(target=cut_it)
    cutter.start()
    with pytest.raises(DatabaseUnreachable) as unreachable:
        scratch.apply(journal)
    cutter.join()

    assert unreachable.value.true == "0001_step.sql, statement 1: the connection was cut"
    assert unreachable.value.retry_safe
    quick = folder(journal.migrations[0].text, "insert into note values (1);")
    assert scratch.apply(quick) == ["0001_step"]
    assert scratch.ask("select count(*) from note") == [(1,)]


def test_drizzle_1_gets_its_names(scratch: Scratch):
    journal = parse({"20260102030405_first/migration.sql": "create table note (id int);"})

    scratch.apply(journal)

    assert scratch.apply(journal) == []
    assert scratch.ask(
        "select hash, created_at, name, applied_at is not null from drizzle.__drizzle_migrations"
    ) == [(journal.migrations[0].hash, 1767323045000, "20260102030405_first", True)]


def test_a_read_only_database_is_told(scratch: Scratch):
    read_only = f"{scratch.url}?options=-c%20default_transaction_read_only%3Don"
    address = DatabaseAddress(Secret(read_only))

    with pytest.raises(DatabaseError) as refused, Database(address, print) as database:
        database.apply(folder("select 1;").migrations[0], SCHEMA, TABLE)

    assert refused.value.true == ("the database is read-only: default_transaction_read_only is on")


def test_a_user_without_rights_is_told(scratch: Scratch):
    scratch.apply(folder("select 1;"))
    role = f"reader_{secrets.token_hex(4)}"
    scratch.ask(f"create role {role} login password 'reading'")
    parts = urlsplit(scratch.url)
    url = urlunsplit(parts._replace(netloc=f"{role}:reading@{parts.hostname}:{parts.port}"))
    try:
        with (
            pytest.raises(DatabaseError) as refused,
            Database(DatabaseAddress(Secret(url)), print) as database,
        ):
            database.applied(SCHEMA, TABLE)
    finally:
        scratch.ask(f"drop role {role}")

    assert refused.value.true == (
        "what was applied cannot be read: permission denied for schema drizzle (SQLSTATE 42501)"
    )
