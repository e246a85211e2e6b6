"""Scratch databases: a faithful copy of the live schema, and nothing that stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from infra.rehearsal.facts import PREFECT_DATABASE
from rollout.errors import ScratchForbidden, ScratchUnusable
from rollout.executors.contract import read_contract
from rollout.executors.pg_dump import find_pg_dump
from rollout.executors.schema_copy import schema_copy
from rollout.executors.scratch import (
    PREFIX,
    demand_rights,
    remove_leftovers,
    scratch_database,
    scratch_server,
)
from rollout.model.command import Secret
from rollout.model.contract import Scope
from rollout.model.target import DatabaseAddress
from tests.support.contract_lab import contract_lab
from tests.support.database import SCHEMA, TABLE, Scratch, folder
from tests.support.database import scratch_database as live_database
from tests.support.scratch import scratch_names
from tests.support.world import ROOT, facts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

# The scratch server's user is none that may do everything.
MAKER = "scratch_maker"
KILLED = """
import sys, time
from rollout.executors.scratch import scratch_database, scratch_server
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress
server = DatabaseAddress(Secret(sys.stdin.readline().strip()))
with scratch_server(server, print) as admin, scratch_database(admin, server, print):
    print("made", flush=True)
    time.sleep(600)
"""


LIVE = """
create schema app authorization copied_owner;
create type app.mood as enum ('sad', 'glad');
create table app."odd Note" (id serial primary key, mood app.mood, body text check (body <> ''));
create view app.notes as select id from app."odd Note";
alter table app."odd Note" enable row level security;
create policy mine on app."odd Note" to copied_app using (id > 0);
alter table app."odd Note" owner to copied_owner;
alter view app.notes owner to copied_owner;
grant usage on schema app to copied_writers;
grant select, insert on app."odd Note" to copied_writers;
grant copied_writers to copied_app;
alter role copied_app in database {database} set search_path = app, public;
alter role copied_app in database {database} set statement_timeout = '5s';
"""
ROLES = ("copied_owner", "copied_app", "copied_writers")


def other_server() -> str:
    """Return the address of another server, which knows none of the application's roles."""
    admin = urlsplit(facts()["database_admin_url"])
    login = admin.netloc.rpartition("@")[0]
    return admin._replace(netloc=f"{login}@{PREFECT_DATABASE}:5432", path="/postgres").geturl()


@contextmanager
def roles(url: str, make: tuple[str, ...], names: tuple[str, ...]) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True) as connection:
        for words in make:
            connection.execute(words.encode())
        try:
            yield
        finally:
            for name in names:
                connection.execute(f"drop role if exists {name}".encode())


@pytest.fixture
def server() -> Iterator[DatabaseAddress]:
    """The other server, whose user makes databases and roles and is no superuser."""
    url = other_server()
    make = f"create role {MAKER} login createdb createrole password 'x1y2'"
    with roles(url, (make,), (*ROLES, MAKER)):
        yield DatabaseAddress(Secret(f"postgresql://{MAKER}:x1y2@{url.rpartition('@')[2]}"))


@pytest.fixture
def live() -> Iterator[Scratch]:
    """A live database whose tables belong to a role that is no superuser."""
    make = (
        f"create role {ROLES[0]} login createrole password 'x3y4'",
        *(f"create role {name}" for name in ROLES[1:]),
    )
    with roles(facts()["database_admin_url"], make, ROLES), live_database() as live:
        live.ask(LIVE.format(database=live.name))
        live.ask(f"grant create on database {live.name} to copied_owner")
        place = live.url.rpartition("@")[2]
        yield Scratch(f"postgresql://copied_owner:x3y4@{place}")


def ask(address: DatabaseAddress, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address.url.reveal(), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_copy_has_the_contract_of_the_live_schema_and_is_gone_afterwards():
    admin = DatabaseAddress(Secret(facts()["database_admin_url"]))
    with contract_lab() as lab:
        with schema_copy(lab.address, admin, lab.app, (SCHEMA, TABLE), print) as copy:
            assert len(scratch_names(facts()["database_admin_url"])) == 1
            assert read_contract(copy.address, Scope(lab.app), print) == lab.contract
            assert ask(copy.address, "select count(*) from users") == [(0,)]
        assert scratch_names(facts()["database_admin_url"]) == set()


def test_a_server_that_knows_none_of_the_roles_gets_them_and_the_copy_belongs_to_the_same(
    live: Scratch, server: DatabaseAddress
):
    scope = Scope("copied_app")
    with schema_copy(live.address, server, "copied_app", (SCHEMA, TABLE), print) as copy:
        there = read_contract(copy.address, scope, print)
        assert there == read_contract(live.address, scope, print)
        assert there.settings == ("search_path=app, public", "statement_timeout=5s")
        with psycopg.connect(copy.address.url.reveal(), autocommit=True) as session:
            session.execute("reset all; reset role")
            who = "select current_user, current_setting('search_path')"
            assert session.execute(who).fetchone() == ("copied_owner", "app, public")
    assert scratch_names(other_server()) == set()


def test_a_user_that_may_make_no_databases_is_told_before_any_run(server: DatabaseAddress):
    with scratch_server(server, print) as admin:
        demand_rights(admin)
    with psycopg.connect(other_server(), autocommit=True) as above:
        above.execute(f"alter role {MAKER} nocreatedb")

    with (
        scratch_server(server, print) as admin,
        pytest.raises(ScratchForbidden, match=f"user {MAKER} may not make databases") as forbidden,
    ):
        demand_rights(admin)

    with psycopg.connect(other_server(), autocommit=True) as above:
        above.execute(forbidden.value.next_step.split("`")[1].encode())
    with scratch_server(server, print) as admin:
        demand_rights(admin)


def test_a_role_that_the_scratch_servers_user_may_not_act_for_is_named(live: Scratch):
    url = other_server()
    with roles(
        url,
        ("create role copied_owner", "create role plain login createdb password 'x5y6'"),
        ("copied_owner", "plain"),
    ):
        server = DatabaseAddress(Secret(f"postgresql://plain:x5y6@{url.rpartition('@')[2]}"))
        copy = schema_copy(live.address, server, "copied_app", (SCHEMA, TABLE), print)
        with pytest.raises(ScratchUnusable, match="app, and it cannot be made") as refused, copy:
            pass
    assert "x5y6" not in str(refused.value)


def test_an_extension_that_the_scratch_server_lacks_is_named():
    with live_database() as live, live_database() as server:
        live.ask("create schema extensions; create extension vector schema extensions")
        live.ask("update pg_extension set extname = 'vectors' where extname = 'vector'")
        copy = schema_copy(live.address, server.address, "postgres", (SCHEMA, TABLE), print)
        with pytest.raises(ScratchUnusable, match="uses: extension vectors"), copy:
            pass


def test_rows_of_the_migrators_own_tables_are_copied_and_their_numbers_go_on():
    texts = (
        "create table note (id serial primary key)",
        "create index concurrently note_idx on note (id)",
    )
    with live_database() as live:
        live.apply(folder(*texts))
        live.ask("insert into note default values")
        server = DatabaseAddress(Secret(facts()["database_admin_url"]))
        with schema_copy(live.address, server, "postgres", (SCHEMA, TABLE), print) as copy:
            there = Scratch(copy.address.url.reveal())
            assert there.rows() == live.rows()
            steps = "select tag, segment, statement from deploy.migration_step order by 1, 2, 3"
            assert there.ask(steps) == live.ask(steps) != []
            assert there.ask("select count(*) from note") == [(0,)]
            assert there.apply(folder(*texts, "create table tag (id int)")) == ["0002_step"]
            assert len(there.rows()) == 3


def test_what_a_killed_run_left_is_removed_by_a_later_one_and_what_is_fresh_is_not():
    url = facts()["database_admin_url"]
    server = DatabaseAddress(Secret(url))
    words = [sys.executable, "-c", KILLED]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdin
        assert run.stdout
        run.stdin.write(f"{url}\n")
        run.stdin.flush()
        assert run.stdout.readline() == "made\n"
        run.send_signal(signal.SIGKILL)
    (left,) = scratch_names(facts()["database_admin_url"])
    told: list[str] = []
    with scratch_server(server, print) as admin:
        assert remove_leftovers(admin, told.append) == ()
        assert scratch_names(facts()["database_admin_url"]) == {left}
        with scratch_database(admin, server, told.append, left_after_s=0):
            assert left not in scratch_names(facts()["database_admin_url"])
    assert scratch_names(facts()["database_admin_url"]) == set()
    assert any(left in line for line in told)


def test_a_database_that_somebody_else_named_is_left_alone():
    server = DatabaseAddress(Secret(facts()["database_admin_url"]))
    with scratch_server(server, print) as admin:
        admin.execute(f"create database {PREFIX}of_mine".encode())
        try:
            assert remove_leftovers(admin, print, 0) == ()
        finally:
            admin.execute(f"drop database {PREFIX}of_mine".encode())


def test_no_pg_dump_is_new_enough_for_a_server_that_does_not_exist_yet():
    with pytest.raises(
        ScratchUnusable, match="no pg_dump can read a server of PostgreSQL 99"
    ) as no:
        find_pg_dump(99)
    assert no.value.next_step.startswith("Install postgresql-client-99")
    assert no.value.left == "Nothing was changed."
