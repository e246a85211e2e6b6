"""Finds and removes what a CREATE INDEX CONCURRENTLY leaves behind when it fails.

Such an index serves no query, costs every write, constrains them if it is unique, and is what
`IF NOT EXISTS` takes for the index that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from rollout.migrations.statements import ConcurrentIndex

_NAME_BYTES = 63


@dataclass(frozen=True, slots=True)
class Found:
    """An index of the name that a statement gives, on the table that it names.

    Attributes:
        name: Its name as SQL.
        valid: Whether it serves queries.
        definition: Its uniqueness and what follows `USING`.
    """

    name: str
    valid: bool
    definition: str


def find(connection: psycopg.Connection[Any], index: ConcurrentIndex) -> Found | None:
    """Return the index that is there under a statement's name; None when there is none."""
    name = index.name.encode()[:_NAME_BYTES].decode(errors="ignore")
    row = connection.execute(
        "SELECT format('%%I.%%I', n.nspname, c.relname), i.indisvalid, "
        "pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE i.indrelid = to_regclass(%s) AND c.relname = %s",
        (index.table, name),
    ).fetchone()
    return Found(row[0], row[1], _comparable(row[2])) if row else None


def is_ours(connection: psycopg.Connection[Any], index: ConcurrentIndex, found: Found) -> bool:
    """Return whether an index is defined as a statement says, in the server's own words.

    The server is shown the definition on an empty copy of the table that nobody else sees.
    """
    unique = sql.SQL("UNIQUE ") if index.unique else sql.SQL("")
    ask = b"SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass"
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"CREATE TEMP TABLE deploy_copy (LIKE {index.table})".encode())
            make = sql.SQL("CREATE {}INDEX ON pg_temp.deploy_copy ").format(unique)
            connection.execute(make.as_bytes(connection) + index.rest.encode())
            row = connection.execute(ask, ("pg_temp.deploy_copy",)).fetchone()
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise
        return False
    return row is not None and _comparable(row[0]) == found.definition


def drop(connection: psycopg.Connection[Any], found: Found) -> None:
    """Remove an index without keeping anybody waiting."""
    connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {found.name}".encode())


def _comparable(definition: str) -> str:
    """Return a definition without the names of index and table."""
    begin, _, using = definition.partition(" USING ")
    return f"{begin.startswith('CREATE UNIQUE')} {using}"
