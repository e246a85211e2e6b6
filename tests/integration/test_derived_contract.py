"""The contract of a release that was deployed without one: its migrations replayed elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rollout.config import Migrations
from rollout.decide.compatible.judge import compatible
from rollout.errors import MigrationFailed
from rollout.executors.contract import read_contract
from rollout.executors.derived import derive_contract
from rollout.model.command import Secret
from rollout.model.contract import Scope
from rollout.model.judgement import Grade
from rollout.model.target import DatabaseAddress
from tests.support.database import Scratch, folder, scratch_database
from tests.support.scratch import scratch_names
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.migrations.journal import Journal
    from rollout.model.contract import Contract

pytestmark = pytest.mark.rehearsal

APP = "derived_app"
FIRST = (
    "create type mood as enum ('calm', 'busy');\n--> statement-breakpoint\n"
    "create table note (id serial primary key, body text not null, feeling mood, "
    "check (body <> ''));\n--> statement-breakpoint\n"
    "insert into note (body) values ('the first')"
)
SECOND = (
    "alter table note add column spare text;\n--> statement-breakpoint\n"
    "create index on note (spare)"
)


@pytest.fixture
def live() -> Iterator[Scratch]:
    """A database that people have granted things in, as they do outside of migrations."""
    admin = facts()["database_admin_url"]
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create role {APP}".encode())
    try:
        with scratch_database() as one:
            one.apply(folder(FIRST, SECOND))
            one.ask(f"grant select, insert on note to {APP}")
            one.ask(f"alter role {APP} in database {one.name} set statement_timeout = '5s'")
            yield one
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"drop role {APP}".encode())


def derived(live: Scratch, journal: Journal) -> Contract:
    server = DatabaseAddress(Secret(facts()["database_admin_url"]))
    settings = Migrations(folder="drizzle", role=APP)
    return derive_contract(journal.migrations, live.address, server, settings, print)


def test_it_is_the_contract_that_would_have_been_read_then(live: Scratch):
    scope = Scope(APP, (), ("drizzle.__drizzle_migrations", "deploy"))
    there = read_contract(live.address, scope, print)

    assert derived(live, folder(FIRST, SECOND)) == there
    older = compatible(derived(live, folder(FIRST)), there)
    assert older.grade < Grade.RISK
    assert scratch_names(facts()["database_admin_url"]) == set()


def test_what_is_gone_since_is_missed(live: Scratch):
    live.ask("alter table note drop column spare")
    there = read_contract(live.address, Scope(APP), print)

    judged = compatible(derived(live, folder(FIRST, SECOND)), there)

    assert [
        (one.grade, one.finding.rule) for one in judged.reasons if one.grade == Grade.BREAK
    ] == [(Grade.BREAK, "column-gone")]


def test_migrations_that_need_more_than_themselves_are_told_and_nothing_is_left(live: Scratch):
    with pytest.raises(MigrationFailed, match="0000_step"):
        derived(live, folder("alter table made_by_hand add column a int"))

    assert scratch_names(facts()["database_admin_url"]) == set()
