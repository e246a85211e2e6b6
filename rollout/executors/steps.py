"""Our own notes in the application's database, schema `deploy`: what ran of a file, and markers.

Drizzle's row says that a whole file is applied. A file that cannot be one transaction may end half
way, so each of its statements has a row here, written with it, or before and after it where the
server lets nothing be written with it. Nothing else is kept, and Drizzle never looks here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from rollout.model.backup import Backup

if TYPE_CHECKING:
    import psycopg

    from rollout.migrations.journal import Migration
    from rollout.migrations.segments import Step

SCHEMA = "deploy"
TABLES = (
    (SCHEMA, "migration_step", ("SELECT", "INSERT", "UPDATE")),
    (SCHEMA, "migration_marker", ("SELECT", "INSERT")),
)
"""Schema, name, and what the role must be allowed to do with each of our tables."""
_MAKE = b"""
CREATE TABLE IF NOT EXISTS deploy.migration_step (
    file_hash text NOT NULL,
    file_when bigint NOT NULL,
    tag text NOT NULL,
    segment integer NOT NULL,
    statement integer NOT NULL,
    statement_hash text NOT NULL,
    started timestamptz NOT NULL,
    finished timestamptz,
    error text,
    PRIMARY KEY (file_hash, file_when, segment, statement)
);
CREATE TABLE IF NOT EXISTS deploy.migration_marker (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    wal_lsn pg_lsn NOT NULL,
    ledger_head text NOT NULL
);
"""
# A database of an earlier version has the table without them.
_ADD_CONTRACT = b"""
ALTER TABLE deploy.migration_marker ADD COLUMN IF NOT EXISTS contract text NOT NULL DEFAULT ''
"""
_ADD_BACKUP = b"""
ALTER TABLE deploy.migration_marker ADD COLUMN IF NOT EXISTS backup text NOT NULL DEFAULT '',
ADD COLUMN IF NOT EXISTS backed_up text[] NOT NULL DEFAULT '{}'
"""
_BEGIN = b"""
INSERT INTO deploy.migration_step AS step
VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp(), NULL, NULL)
ON CONFLICT (file_hash, file_when, segment, statement)
DO UPDATE SET started = EXCLUDED.started, finished = NULL, error = NULL
"""
_END = b"""
UPDATE deploy.migration_step
SET finished = CASE WHEN %s::text IS NULL THEN clock_timestamp() END, error = %s
WHERE file_hash = %s AND file_when = %s AND segment = %s AND statement = %s
"""


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted of one statement.

    Attributes:
        hash: SHA-256 of what was sent.
        finished: Whether it is applied.
        open: Whether it was begun and nobody noted how it ended: it may be applied.
    """

    hash: str
    finished: bool
    open: bool


@dataclass(frozen=True, slots=True)
class At:
    """A statement's place in a file: segment and statement in it, counted from 1."""

    segment: int
    statement: int


def ensure(connection: psycopg.Connection[Any]) -> None:
    """Make the schema and its tables when they are missing."""
    # Asked first: who may not create a schema is refused even when it is there.
    schema = connection.execute("SELECT to_regnamespace('deploy') IS NOT NULL")
    if schema.fetchone() != (True,):
        connection.execute("CREATE SCHEMA IF NOT EXISTS deploy")
    columns = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('deploy.migration_marker')"
    )
    there = [name for (name,) in columns]
    if not there:
        connection.execute(_MAKE)
    if "contract" not in there:
        connection.execute(_ADD_CONTRACT)
    if "backed_up" not in there:
        connection.execute(_ADD_BACKUP)


def noted(connection: psycopg.Connection[Any], migration: Migration) -> dict[At, Noted]:
    """Return what is noted of a file; empty when nothing of it ran outside of one transaction."""
    rows = connection.execute(
        "SELECT segment, statement, statement_hash, finished IS NOT NULL, "
        "finished IS NULL AND error IS NULL "
        "FROM deploy.migration_step WHERE file_hash = %s AND file_when = %s",
        (migration.hash, migration.when),
    )
    return {At(row[0], row[1]): Noted(*row[2:]) for row in rows}


def begun_with_another_text(
    connection: psycopg.Connection[Any], migration: Migration, applied: frozenset[str]
) -> bool:
    """Return whether a part of the file is applied in a version that was never finished.

    Args:
        connection: To the application's database.
        migration: The file as it is now.
        applied: The hashes in Drizzle's table.
    """
    rows = connection.execute(
        "SELECT DISTINCT file_hash FROM deploy.migration_step "
        "WHERE tag = %s AND file_hash <> %s AND (finished IS NOT NULL OR error IS NULL)",
        (migration.tag, migration.hash),
    )
    return any(file_hash not in applied for (file_hash,) in rows)


def begun(connection: psycopg.Connection[Any], applied: frozenset[str]) -> tuple[str, ...]:
    """Return the tags of the files of which a part is applied and not the whole, oldest first.

    Args:
        connection: To the application's database; without our notes the answer is empty.
        applied: The hashes in Drizzle's table.
    """
    there = connection.execute("SELECT to_regclass('deploy.migration_step') IS NOT NULL")
    if there.fetchone() != (True,):
        return ()
    rows = connection.execute(
        "SELECT tag, file_hash FROM deploy.migration_step "
        "WHERE finished IS NOT NULL OR error IS NULL "
        "GROUP BY tag, file_hash ORDER BY min(started)"
    )
    return tuple(tag for tag, file_hash in rows if file_hash not in applied)


def begin(connection: psycopg.Connection[Any], migration: Migration, at: At, step: Step) -> None:
    """Note that a statement is sent now."""
    values = (migration.hash, migration.when, migration.tag, at.segment, at.statement, step.hash)
    connection.execute(_BEGIN, values)


def end(
    connection: psycopg.Connection[Any], migration: Migration, at: At, error: str | None = None
) -> None:
    """Note how a statement ended: applied, or with the server's error."""
    place = (migration.hash, migration.when, at.segment, at.statement)
    connection.execute(_END, (error, error, *place))


def noted_backup(connection: psycopg.Connection[Any]) -> Backup | None:
    """Return the newest backup that a marker names; None when no marker names one."""
    row: Any = connection.execute(
        # A try again notes it too, and does not make it younger.
        "SELECT backup, backed_up, extract(epoch FROM clock_timestamp() - (SELECT min(first.at) "
        "FROM deploy.migration_marker AS first WHERE first.backup = newest.backup))::float8 "
        "FROM deploy.migration_marker AS newest WHERE backup <> '' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return Backup(row[0], tuple(row[1]), row[2]) if row else None


def mark(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    contract: str = "",
    backup: Backup | None = None,
) -> str:
    """Note where the database stands before anything is applied, and return it for the log.

    The moment and the place in the write-ahead log are what a recovery to that point asks for.

    Args:
        connection: To the application's database.
        schema: The schema of Drizzle's table, which exists.
        table: Its name.
        contract: Fingerprint of the schema contract as it is; empty where nobody has read it.
        backup: The one that was made before; None for none.
    """
    query = sql.SQL(
        "INSERT INTO deploy.migration_marker "
        "(at, wal_lsn, contract, backup, backed_up, ledger_head) "
        "SELECT clock_timestamp(), pg_current_wal_lsn(), %s, %s, %s, coalesce("
        "(SELECT 'row ' || id || ', hash ' || left(hash, 12) FROM {} ORDER BY id DESC LIMIT 1), "
        "'empty') RETURNING to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
        "wal_lsn::text, ledger_head"
    )
    values = contract, backup.id if backup else "", list(backup.files) if backup else []
    row: Any = connection.execute(query.format(sql.Identifier(schema, table)), values).fetchone()
    known = f", schema contract {contract[:12]}" if contract else ""
    saved = f", backup {backup.id}" if backup else ""
    return f"at {row[0]}, WAL {row[1]}{known}{saved}, Drizzle's table: {row[2]}"
