"""Speaks to the application's database: what it holds, and one migration at a time.

A migration and the row that says so are one transaction, so a run that dies in between leaves
either both or none, and the next one decides again from what is there. The rows are Drizzle's own:
its migrator can take over at any time, and we from it.

Source: drizzle-orm 0.45.4 `PgDialect.migrate`, read 2026-11-22; `migrations.md` section 1.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Literal, Self

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from rollout.decide.migrate import Applied
from rollout.errors import DatabaseError, DatabaseLocked, MigrationFailed
from rollout.executors.catalog import read_catalog
from rollout.executors.postgres import connect, cut, is_cut, read_place, told
from rollout.executors.proxy import proxy
from rollout.migrations.journal import Migration, line_in_file

if TYPE_CHECKING:
    from rollout.executors.process import Log
    from rollout.model.catalog import Catalog
    from rollout.model.target import DatabaseAddress

Outcome = Literal["applied", "already applied"]

LOCK_TIMEOUT_S = 2.0
"""How long a statement waits for a lock, and whoever comes later waits behind it, in seconds."""
IDLE_TIMEOUT_S = 60.0
"""After how long the server ends a transaction whose worker went silent, in seconds."""
# Advisory locks are per database, so the number only has to be ours.
LOCK_KEY = int.from_bytes(b"trovella") >> 1
_LOCK_STATES = {"55P03", "40P01"}  # lock_not_available, deadlock_detected


class Database:
    """The application's database, connected while the `with` block lasts.

    Args:
        address: How to reach it; its proxy runs exactly as long.
        log: Called with what happens.

    Raises:
        ConfigInvalid: On entering, when the URL is none.
        DatabaseUnreachable: On entering, when nobody answers at the address.
        DatabaseError: On entering, when the server refuses the login or has no such database.
    """

    def __init__(self, address: DatabaseAddress, log: Log) -> None:
        self._address = address
        self._log = log
        self._open = ExitStack()
        self._locked = False

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            place = read_place(self._address)
            words = self._address.proxy_command
            opening.enter_context(proxy(words, place.host, place.port, self._log))
            self._connection = connect(self._address, place)
            opening.callback(self._connection.close)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._locked = False

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

    def catalog(self) -> Catalog:
        """Return the database's tables with their sizes; raises what `read_catalog` raises."""
        return read_catalog(self._connection)

    def apply(self, migration: Migration, schema: str, table: str) -> Outcome:
        """Apply one migration and write its row, both or none.

        The first call takes the right to migrate this database; it is held until the connection
        ends. Somebody who applied the same migration in between is noticed.

        Args:
            migration: The file.
            schema: The schema of Drizzle's table; made like Drizzle does when it is missing.
            table: Its name.

        Raises:
            MigrationFailed: With the file, the statement, its line and the server's words.
            DatabaseLocked: When somebody else migrates, or holds what a statement needs.
            DatabaseUnreachable: When the connection was cut.
            DatabaseError: When the database is read-only, or Drizzle's table cannot be made.
        """
        started = time.monotonic()
        with told("Drizzle's table cannot be used"):
            self._take_lock()
            self._demand_writable()
            self._ensure_table(migration, schema, table)
            if self._holds(migration, schema, table):
                self._log(f"{migration.tag} is applied already")
                return "already applied"
        self._in_one_transaction(migration, schema, table)
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
        if self._locked:
            return
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
        if row != (True,):
            raise DatabaseLocked(
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
        row = self._connection.execute("SHOW transaction_read_only").fetchone()
        if row == ("on",):
            raise DatabaseError(
                "the database is read-only",
                next_step="Name the primary in the database's block, not a replica; a primary is "
                "read-only while it recovers, or when default_transaction_read_only is on.",
            )

    def _ensure_table(self, migration: Migration, schema: str, table: str) -> None:
        """Make Drizzle's schema and table exactly as the Drizzle of the files' layout does."""
        if self._columns(schema, table):
            return
        self._log(f"making {schema}.{table}")
        if migration.name is None:
            columns = "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint"
        else:
            columns = (
                "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, "
                "name text, applied_at timestamp with time zone DEFAULT now()"
            )
        self._connection.execute(
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {}; CREATE TABLE IF NOT EXISTS {} ({})").format(
                sql.Identifier(schema), sql.Identifier(schema, table), sql.SQL(columns)
            )
        )

    def _holds(self, migration: Migration, schema: str, table: str) -> bool:
        return any(
            (row.hash, row.created_at) == (migration.hash, migration.when)
            for row in self.applied(schema, table)
        )

    def _in_one_transaction(self, migration: Migration, schema: str, table: str) -> None:
        number = 0
        try:
            transaction = self._begin()
            for number, statement in enumerate(migration.statements, 1):
                # Without parameters this is PostgreSQL's simple protocol: a part may hold several
                # statements, and `%` means nothing.
                self._connection.execute(statement.encode())
                if self._transaction() != transaction:
                    raise _ended_transaction(migration, number)
            self._write_row(migration, schema, table)
            self._connection.execute("COMMIT")
        except psycopg.Error as error:
            raise _failure(migration, number, error) from error
        finally:
            self._roll_back()

    def _begin(self) -> int:
        """Begin a transaction of known limits, whatever an earlier file has set."""
        self._connection.execute("RESET ALL")
        self._connection.execute("BEGIN")
        for name, seconds in (
            ("lock_timeout", LOCK_TIMEOUT_S),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT_S),
        ):
            value = f"{seconds * 1000:.0f}ms"
            self._connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        return self._transaction()

    def _transaction(self) -> int:
        """Return the number of the transaction in progress; 0 when there is none."""
        if self._connection.info.transaction_status is not TransactionStatus.INTRANS:
            return 0
        row = self._connection.execute("SELECT txid_current()").fetchone()
        return int(row[0]) if row else 0

    def _write_row(self, migration: Migration, schema: str, table: str) -> None:
        # A file may have become somebody else, who need not be allowed to write here.
        self._connection.execute("RESET ROLE")
        values: dict[str, object] = {"hash": migration.hash, "created_at": migration.when}
        if "name" in self._columns(schema, table):
            values["name"] = migration.name or migration.tag
        self._connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(schema, table),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(sql.Placeholder() * len(values)),
            ),
            tuple(values.values()),
        )

    def _roll_back(self) -> None:
        """End what is still open; a dead connection has nothing open."""
        if self._connection.info.transaction_status is not TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")


def _failure(migration: Migration, number: int, error: psycopg.Error) -> DatabaseError:
    """Return our own error for what went wrong while a file ran."""
    place = f"{migration.file}, statement {number}{_line(migration, number, error)}"
    if is_cut(error):
        return cut(place)
    # Not the detail: it repeats values of rows.
    what = f"{place}: {error.diag.message_primary} (SQLSTATE {error.sqlstate}{_object(error)})"
    if error.sqlstate in _LOCK_STATES:
        return DatabaseLocked(
            f"{what}; it waited {LOCK_TIMEOUT_S:g} s at most, so that nobody waited longer",
            left="The file was rolled back as a whole; those before it stay applied.",
            next_step="Retry; if it stays so, look who holds the lock in pg_stat_activity.",
        )
    return MigrationFailed(
        what,
        left="The file was rolled back as a whole; those before it stay applied.",
        next_step="Correct the migration in a new commit and deploy that.",
    )


def _line(migration: Migration, number: int, error: psycopg.Error) -> str:
    position = error.diag.statement_position
    if position is None or number == 0:
        return ""
    return f", line {line_in_file(migration, number, int(position))}"


def _object(error: psycopg.Error) -> str:
    """Return what the server says it is about, as `, table note, column body`."""
    parts = (
        ("table", error.diag.table_name),
        ("column", error.diag.column_name),
        ("constraint", error.diag.constraint_name),
    )
    return "".join(f", {kind} {name}" for kind, name in parts if name)


def _ended_transaction(migration: Migration, number: int) -> MigrationFailed:
    return MigrationFailed(
        f"{migration.file}, statement {number}: the file ends its transaction itself",
        left=f"Statements up to {number} stay applied, and no row says so.",
        next_step="Take BEGIN, COMMIT and ROLLBACK out of the file, and bring the database to "
        "where it was before it, or to where the whole file leads.",
    )
