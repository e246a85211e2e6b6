"""Asks, before anything is applied, whether the URL's role may keep notes in the database.

What we and Drizzle keep there lies in two schemas, made when the first migration is applied. A role
that may not make them is told so with the words that an administrator has to type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from rollout.errors import DatabaseError
from rollout.executors import steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_ROLE = (
    b"SELECT current_user::text, current_database()::text, "
    b"has_database_privilege(current_database(), 'CREATE')"
)
_SCHEMA = (
    b"SELECT has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE') "
    b"FROM pg_namespace WHERE nspname = %s"
)
_TABLE = (
    b"SELECT array_agg(p ORDER BY i) FILTER (WHERE NOT has_table_privilege(c.oid, p)) "
    b"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    b"CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS needed (p, i) "
    b"WHERE n.nspname = %s AND c.relname = %s GROUP BY c.oid"
)
# The numbers of a serial come from a sequence with rights of its own.
_SEQUENCE = (
    b"SELECT q.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    b"JOIN pg_depend d ON d.refobjid = c.oid AND d.deptype = 'a' "
    b"JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' "
    b"WHERE n.nspname = %s AND c.relname = %s AND NOT has_sequence_privilege(q.oid, 'USAGE')"
)


def demand_rights(connection: psycopg.Connection[Any], schema: str, table: str) -> None:
    """Make sure that the role may make, read and write what is kept beside the application.

    Args:
        connection: To the application's database.
        schema: The schema of Drizzle's table.
        table: Its name.

    Raises:
        DatabaseError: With every GRANT that is missing.
    """
    row: Any = connection.execute(_ROLE).fetchone()
    role, database, may_create = row
    tables = ((schema, table, ("SELECT", "INSERT")), *steps.TABLES)
    grants = dict.fromkeys(
        sql.SQL("GRANT {} TO {}").format(what, sql.Identifier(role)).as_string(connection)
        for one in tables
        for what in _missing(connection, *one, database="" if may_create else database)
    )
    if grants:
        raise DatabaseError(
            f"{role} may not keep notes about migrations in the database {database}",
            next_step=f"Let an administrator run, connected to {database}: {'; '.join(grants)}; "
            "then retry.",
        )


def _missing(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    needed: tuple[str, ...],
    *,
    database: str,
) -> Iterator[sql.Composable]:
    """Yield the rights that are missing on one table, or to make it; no database means no need."""
    found = connection.execute(_SCHEMA, (schema,)).fetchone()
    if found is None:
        if database:
            yield sql.SQL("CREATE ON DATABASE {}").format(sql.Identifier(database))
        return
    uses, creates = found
    if not uses:
        yield sql.SQL("USAGE ON SCHEMA {}").format(sql.Identifier(schema))
    lacks = connection.execute(_TABLE, (list(needed), schema, table)).fetchone()
    if lacks is None:
        if not creates:
            yield sql.SQL("CREATE ON SCHEMA {}").format(sql.Identifier(schema))
        return
    if lacks[0]:
        words = sql.SQL(", ").join(map(sql.SQL, lacks[0]))
        yield sql.SQL("{} ON {}").format(words, sql.Identifier(schema, table))
    for (sequence,) in connection.execute(_SEQUENCE, (schema, table)).fetchall():
        yield sql.SQL("USAGE ON SEQUENCE {}").format(sql.Identifier(schema, sequence))
