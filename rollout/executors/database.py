"""Speaks to the application's database: what it holds, and one migration at a time.

A migration and the row that says so are one transaction where the server allows for it, and noted
statement by statement where not (`segment_run`), so the next run decides again from what is there.
The rows are Drizzle's own: its migrator can take over at any time, and we from it.

Source: drizzle-orm 0.45.4 `PgDialect.migrate`, read 2026-11-22; `migrations.md` section 1.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal, Self

from psycopg import sql

from rollout.decide.migrate import Applied
from rollout.errors import (
    AlreadyMigrating,
    DatabaseError,
    MigrationUnfinished,
)
from rollout.executors import steps
from rollout.executors.blockers import watched
from rollout.executors.catalog import read_catalog
from rollout.executors.contract import contract_on
from rollout.executors.pooled import backend_pid, demand_own_session, pooled
from rollout.executors.postgres import connect, notice_silence, read_place, told
from rollout.executors.prechecks import ask
from rollout.executors.proxy import proxy
from rollout.executors.rights import demand_rights
from rollout.executors.row_counts import count_rows
from rollout.executors.segment_run import SegmentRun, Table
from rollout.migrations.locks import Patience

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.config import Migrations
    from rollout.executors.process import Log
    from rollout.executors.segment_run import Heed
    from rollout.migrations.journal import Migration
    from rollout.model.backup import Backup
    from rollout.model.catalog import Catalog
    from rollout.model.contract import Contract, Scope
    from rollout.model.precheck import Answer, Precheck
    from rollout.model.row_count import RowCount
    from rollout.model.target import DatabaseAddress

Outcome = Literal["applied", "already applied"]

# Advisory locks are per database, so the number only has to be ours.
LOCK_KEY = int.from_bytes(b"trovella") >> 1


class Database:
    """The application's database, connected while the `with` block lasts.

    Args:
        address: How to reach it; its proxy runs exactly as long.
        log: Called with what happens.
        patience: How long and how often locks are waited for; None means the safe defaults.
        heed: Called after each step of a migration, before its transaction ends; None where nobody
            watches: on production.

    Raises:
        ConfigInvalid: On entering, when the URL is none.
        DatabaseUnreachable: On entering, when nobody answers at the address.
        DatabaseProxyRefused: On entering, when Google does not let its proxy through.
        DatabaseError: On entering, when the server refuses the login or has no such database.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        log: Log,
        patience: Patience | None = None,
        heed: Heed | None = None,
    ) -> None:
        self._address = address
        self._patience = patience or Patience()
        self._log = log
        self._heed = heed
        self._open = ExitStack()
        self._is_open = False
        self._locked = False
        self._marked = False
        self._pid = 0

    def __enter__(self) -> Self:
        if self._is_open:  # made ready before the block that uses it
            return self
        with ExitStack() as opening:
            place = self._place = read_place(self._address)
            opening.enter_context(proxy(self._address, place.host, place.port, self._log))
            self._connection = connect(self._address, place)
            opening.callback(self._connection.close)
            self._open = opening.pop_all()
        self._is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._is_open = False
        self._locked = self._marked = False

    def applied(self, schema: str, table: str) -> tuple[Applied, ...]:
        """Return all rows of Drizzle's table in order; empty when there is no table yet.

        Args:
            schema: The table's schema.
            table: Its name.

        Raises:
            DatabaseError: When it cannot be read.
        """
        with told("what was applied cannot be read"):
            columns = self._columns(schema, table)
            if not columns:
                return ()
            name = sql.SQL("name") if "name" in columns else sql.SQL("NULL::text")
            query = sql.SQL("SELECT id, hash, created_at, {} FROM {} ORDER BY id")
            rows = self._connection.execute(query.format(name, sql.Identifier(schema, table)))
            return tuple(Applied(*row) for row in rows)

    def applied_names(self, schema: str, table: str, column: str) -> tuple[Applied, ...]:
        """Return what a table of names says is applied; empty when there is no table yet.

        Args:
            schema: The table's schema.
            table: Its name.
            column: Its column with the files' names, with or without `.sql`.

        Raises:
            DatabaseError: When it cannot be read, or has no such column.
        """
        with told("what was applied cannot be read"):
            if not self._columns(schema, table):
                return ()
            query = sql.SQL("SELECT {}::text FROM {} ORDER BY 1")
            names = (sql.Identifier(column), sql.Identifier(schema, table))
            rows = self._connection.execute(query.format(*names))
            return tuple(
                Applied(number, "", None, str(name).removesuffix(".sql"))
                for number, (name,) in enumerate(rows, start=1)
            )

    def held(self, migrations: Migrations) -> tuple[Applied, ...]:
        """Return what is applied, by the table that the environment's file names.

        Raises:
            DatabaseError: When it cannot be read.
        """
        names = migrations.table_schema, migrations.table
        if migrations.by == "command":
            return self.applied_names(*names, migrations.column)
        return self.applied(*names)

    def begun(self, applied: Iterable[Applied]) -> tuple[str, ...]:
        """Return the tags of the files of which only a part is applied, oldest first.

        Args:
            applied: What is applied whole, by `held`.

        Raises:
            DatabaseError: When our notes cannot be read.
        """
        with told("what was begun cannot be read"):
            return steps.begun(self._connection, frozenset(row.hash for row in applied))

    def catalog(self) -> Catalog:
        """Return the database's tables with their sizes; raises what `read_catalog` raises."""
        return read_catalog(self._connection)

    def ask(self, prechecks: Iterable[Precheck], timeout_s: float) -> tuple[Answer, ...]:
        """Return what the rows answer; raises what `prechecks.ask` raises."""
        return ask(self._connection, prechecks, timeout_s)

    def count_rows(self, scope: Scope) -> tuple[RowCount, ...]:
        """Return how many rows each table has; raises what `row_counts.count_rows` raises."""
        return count_rows(self._connection, scope)

    @property
    def user(self) -> str:
        """Return who the session is."""
        return self._connection.info.user

    def contract(self, scope: Scope) -> Contract:
        """Return the schema contract as it is now; raises what `contract_on` raises."""
        return contract_on(self._connection, scope)

    def demand_ready(self, schema: str, table: str) -> None:
        """Take the right to migrate this database, and make sure that it can be used.

        The right is held until the connection ends; taking it again does nothing.

        Args:
            schema: The schema of Drizzle's table.
            table: Its name.

        Raises:
            AlreadyMigrating: When another session has the right to migrate.
            DatabaseUnreachable: When the connection was cut.
            DatabaseError: When the database is read-only, a pooler stands between, or the role may
                not keep notes; then with the words that let it.
        """
        with told("the right to migrate cannot be taken"):
            self._demand_writable()
            if not self._locked:
                self._take_lock()
                demand_rights(self._connection, schema, table)
            elif backend_pid(self._connection) != self._pid:
                raise pooled()

    def noted_backup(self, schema: str, table: str) -> Backup | None:
        """Return the newest backup that was made before migrations; None when none is noted.

        The right to migrate this database is taken first, as `demand_ready` does.

        Args:
            schema: The schema of Drizzle's table.
            table: Its name.

        Raises:
            DatabaseError: When the database cannot be used as `demand_ready` says.
        """
        self.demand_ready(schema, table)
        with told("the notes of earlier backups cannot be read"):
            steps.ensure(self._connection)
            return steps.noted_backup(self._connection)

    def apply(
        self,
        migration: Migration,
        schema: str,
        table: str,
        contract: str = "",
        backup: Backup | None = None,
    ) -> Outcome:
        """Apply what is left of one migration, and write its row with the last of it.

        The right to migrate this database is taken first, as `demand_ready` does. Somebody who
        applied the same migration in between is noticed.

        Args:
            migration: The file.
            schema: The schema of Drizzle's table; made like Drizzle does when it is missing.
            table: Its name.
            contract: Fingerprint of the schema contract before the first of them, for the marker;
                empty where nobody has read it.
            backup: What was made of the database before, for the marker; None for none.

        Raises:
            MigrationFailed: With the file, the statement, its line and the server's words.
            MigrationUnfinished: The same, where Retry goes on once something is out of the way.
            AlreadyMigrating: When another session has the right to migrate.
            DatabaseLocked: When somebody holds what a statement needs, through all tries.
            DatabaseUnreachable: When the connection was cut.
            DatabaseError: When the database cannot be used as `demand_ready` says.
        """
        started = time.monotonic()
        self.demand_ready(schema, table)
        with told("Drizzle's table cannot be used"):
            self._ensure_table(migration, schema, table)
            held = self.applied(schema, table)
            if any((row.hash, row.created_at) == (migration.hash, migration.when) for row in held):
                self._log(f"{migration.tag} is applied already")
                return "already applied"
            steps.ensure(self._connection)
            if not self._marked:
                marker = steps.mark(self._connection, schema, table, contract, backup)
                self._log(f"before anything is applied: {marker}")
                self._marked = True
            hashes = frozenset(row.hash for row in held)
            if steps.begun_with_another_text(self._connection, migration, hashes):
                raise _begun_otherwise(migration)
            found = Table(schema, table, self._columns(schema, table))
            arguments = (self._connection, migration, found, self._patience, self._log)
            run = SegmentRun(*arguments, self._heed)
        with watched(self._observer, self._pid, migration.tag, self._log):
            run.run()
        self._log(f"{migration.tag} applied in {time.monotonic() - started:.2f} s")
        return "applied"

    def _columns(self, schema: str, table: str) -> frozenset[str]:
        found = self._connection.execute(
            "SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s "
            "AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
            (schema, table),
        )
        return frozenset(name for (name,) in found)

    def _take_lock(self) -> None:
        self._observer = connect(self._address, self._place)
        self._open.callback(self._observer.close)
        self._pid = demand_own_session(self._connection, self._observer)
        for connection in (self._connection, self._observer):
            connection.execute(notice_silence())
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
        if row != (True,):
            raise AlreadyMigrating(
                f"another session migrates this database{self._holder()}",
                next_step="Wait until it has ended, then retry.",
            )
        self._locked = True

    def _holder(self) -> str:
        """Return who holds the right to migrate, as far as we may see."""
        row = self._connection.execute(
            "SELECT a.pid, a.application_name, a.backend_start::text FROM pg_locks l "
            "JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
            "AND (l.classid::bigint << 32) | l.objid::bigint = %s",
            (LOCK_KEY,),
        ).fetchone()
        return f": process {row[0]} ({row[1] or 'no name'}), since {row[2]}" if row else ""

    def _demand_writable(self) -> None:
        row = self._connection.execute(
            "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')"
        ).fetchone()
        if row == (False, "off"):
            return
        if row == (False, "on"):
            raise DatabaseError(
                "the database is read-only: default_transaction_read_only is on",
                next_step="Turn it off for the database and for the URL's role, then retry.",
            )
        raise DatabaseError(
            "the database is read-only: its server is a replica, or recovers",
            next_step="Name the primary in the database's block; if it is the primary, wait until "
            "it has recovered, then retry.",
        )

    def _ensure_table(self, migration: Migration, schema: str, table: str) -> None:
        """Make Drizzle's schema and table exactly as the Drizzle of the files' layout does."""
        if self._columns(schema, table):
            return
        self._log(f"making {schema}.{table}")
        # Asked first: who may not create a schema is refused even when it is there.
        there = self._connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname = %s", (schema,)
        )
        if there.fetchone() == (0,):
            make = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
            self._connection.execute(make)
        if migration.name is None:
            columns = "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint"
        else:
            columns = (
                "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, "
                "name text, applied_at timestamp with time zone DEFAULT now()"
            )
        self._connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(
                sql.Identifier(schema, table), sql.SQL(columns)
            )
        )


def _begun_otherwise(migration: Migration) -> MigrationUnfinished:
    return MigrationUnfinished(
        f"{migration.file}: a part of it was applied when it had another text",
        left="What was applied of it then stays; deploy.migration_step says what.",
        next_step="Deploy the file as it was to finish it; or take back by hand what it did, "
        "delete its rows from deploy.migration_step, and retry.",
    )
