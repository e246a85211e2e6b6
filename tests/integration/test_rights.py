"""A role that may not keep notes in the database is told what to grant, before anything is done."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from rollout.errors import DatabaseError
from rollout.executors.database import Database
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, Scratch, folder, scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

ONE, TWO = folder("select 1;", "vacuum;").migrations


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    return database


@pytest.fixture
def role(scratch: Scratch) -> Iterator[str]:
    """Make a role whose name has to be quoted and that may connect, and no more."""
    name = f"app-{secrets.token_hex(4)}"
    scratch.ask(f"create role \"{name}\" login password 'working'")
    yield name
    scratch.ask(f'drop owned by "{name}" cascade; drop role "{name}"')


def opened(scratch: Scratch, role: str) -> Database:
    parts = urlsplit(scratch.url)
    url = urlunsplit(parts._replace(netloc=f"{role}:working@{parts.hostname}:{parts.port}"))
    return Database(DatabaseAddress(Secret(url)), scratch.log)


def refusal(scratch: Scratch, role: str) -> str:
    with pytest.raises(DatabaseError) as refused, opened(scratch, role) as database:
        database.apply(ONE, SCHEMA, TABLE)
    assert not refused.value.retry_safe
    return str(refused.value)


def granted(message: str) -> str:
    """Return what an administrator is asked to run."""
    return message.partition("connected to ")[2].partition(": ")[2].rpartition("; then")[0]


def test_the_first_time_the_one_grant_is_told_and_it_suffices(scratch: Scratch, role: str):
    told = refusal(scratch, role)

    assert told == (
        f"{role} may not keep notes about migrations in the database {scratch.name}\n"
        "left: Nothing was changed.\n"
        f"next: Let an administrator run, connected to {scratch.name}: "
        f'GRANT CREATE ON DATABASE "{scratch.name}" TO "{role}"; then retry.'
    )
    made = "select count(*) from pg_namespace where nspname in ('drizzle', 'deploy')"
    assert scratch.ask(made) == [(0,)]
    scratch.ask(granted(told))
    with opened(scratch, role) as database:
        assert database.apply(ONE, SCHEMA, TABLE) == "applied"
        assert database.apply(TWO, SCHEMA, TABLE) == "applied"


def test_tables_of_somebody_else_are_granted_one_by_one(scratch: Scratch, role: str):
    scratch.apply(folder("select 1;"))
    scratch.ask("truncate drizzle.__drizzle_migrations")

    told = refusal(scratch, role)

    assert granted(told) == (
        f'GRANT USAGE ON SCHEMA "drizzle" TO "{role}"; '
        f'GRANT SELECT, INSERT ON "drizzle"."__drizzle_migrations" TO "{role}"; '
        'GRANT USAGE ON SEQUENCE "drizzle"."__drizzle_migrations_id_seq" TO '
        f'"{role}"; GRANT USAGE ON SCHEMA "deploy" TO "{role}"; '
        f'GRANT SELECT, INSERT, UPDATE ON "deploy"."migration_step" TO "{role}"; '
        f'GRANT SELECT, INSERT ON "deploy"."migration_marker" TO "{role}"'
    )
    scratch.ask(granted(told))
    with opened(scratch, role) as database:
        assert database.apply(ONE, SCHEMA, TABLE) == "applied"
        assert database.apply(TWO, SCHEMA, TABLE) == "applied"


def test_schemas_that_an_administrator_has_made_are_enough(scratch: Scratch, role: str):
    scratch.ask("create schema drizzle; create schema deploy")

    told = refusal(scratch, role)

    assert granted(told) == "; ".join(
        f'GRANT {right} ON SCHEMA "{schema}" TO "{role}"'
        for schema in ("drizzle", "deploy")
        for right in ("USAGE", "CREATE")
    )
    scratch.ask(granted(told))
    with opened(scratch, role) as database:
        assert database.apply(ONE, SCHEMA, TABLE) == "applied"
