"""Scratch databases on the rehearsal's Cloud SQL, and migrations folders to apply to them."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from rollout.decide.migrate import decide_migrations
from rollout.executors.database import Database
from rollout.migrations.journal import Journal, parse
from rollout.model.command import Secret
from rollout.model.finding import Go
from rollout.model.target import DatabaseAddress
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollout.migrations.locks import Patience

SCHEMA, TABLE = "drizzle", "__drizzle_migrations"


def folder(*texts: str | bytes) -> Journal:
    """Return the journal of a folder with these files, dated 1000, 2000 and so on."""
    entries = [{"idx": n, "when": 1000 * (n + 1), "tag": f"{n:04}_step"} for n in range(len(texts))]
    files = {f"{n:04}_step.sql": text for n, text in enumerate(texts)}
    return parse({"meta/_journal.json": json.dumps({"entries": entries}), **files})


class Scratch:
    """A database of one test's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = DatabaseAddress(Secret(url))
        self.logged: list[str] = []
        self.hear: Callable[[str], None] = lambda _: None

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.lstrip("/")

    def open(self, patience: Patience | None = None) -> Database:
        return Database(self.address, self.log, patience)

    def log(self, line: str) -> None:
        self.logged.append(line)
        self.hear(line)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def apply(self, journal: Journal, patience: Patience | None = None) -> list[str]:
        """Decide and apply, as the task does; return the tags that were applied."""
        with self.open(patience) as database:
            plan = decide_migrations(journal, database.applied(SCHEMA, TABLE), None)
            assert isinstance(plan.verdict, Go), plan.describe()
            for migration in plan.pending:
                database.apply(migration, SCHEMA, TABLE)
        return [migration.tag for migration in plan.pending]

    def begun(self) -> tuple[str, ...]:
        """Return the files of which only a part is applied, as drift asks."""
        with self.open() as database:
            return database.begun(database.applied(SCHEMA, TABLE))

    def rows(self) -> list[tuple[Any, ...]]:
        return self.ask("select hash, created_at from drizzle.__drizzle_migrations order by id")

    def empty(self) -> None:
        """Make it as empty as it was made; cheaper than making another one."""
        schemas = self.ask(
            "select string_agg(quote_ident(nspname), ', ') from pg_namespace "
            "where nspname !~ '^pg_' and nspname <> 'information_schema'"
        )
        self.ask(f"drop schema {schemas[0][0]} cascade; create schema public")
        self.logged.clear()
        self.hear = lambda _: None

    def wait_for_nobody(self) -> None:
        """Wait until the server has noticed that a migrator was killed."""
        ask = "select 1 from pg_stat_activity where application_name = 'trovella-deploy'"
        deadline = time.monotonic() + 30
        while self.ask(f"{ask} and datname = current_database()"):
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def held(scratch: Scratch, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold what a statement locks."""
    with psycopg.connect(scratch.url, application_name="somebody") as connection:
        connection.execute(statement.encode())
        yield connection


@contextmanager
def scratch_database(template: str = "template1", on: str = "") -> Iterator[Scratch]:
    """Yield a database of one test module's own, empty or a copy of another one.

    Args:
        template: What it is a copy of.
        on: URL of the superuser of the server that it is made on; empty for the rehearsal's.
    """
    admin = on or facts()["database_admin_url"]
    name = f"scratch_{secrets.token_hex(6)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())
    try:
        yield Scratch(urlunsplit(urlsplit(admin)._replace(path=f"/{name}")))
    finally:
        # A test may have ended every session of the server.
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)".encode())
