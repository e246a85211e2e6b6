"""Counts the rows of the application's tables with one query, which reads only and soon ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from rollout.executors.contract_queries import SCHEMAS
from rollout.executors.postgres import told
from rollout.model.row_count import COUNTED, RowCount

if TYPE_CHECKING:
    import psycopg

    from rollout.model.contract import Scope

TIMEOUT_S = 10.0
"""How long counting may take, in seconds."""
LOCK_TIMEOUT_S = 0.5
"""How long it waits behind somebody's lock, in seconds."""
_READING = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = ''; "
    f"SET LOCAL statement_timeout = '{TIMEOUT_S:g}s'; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"
)
# `query_to_xml` is how one statement runs another one for each table. A partition is met through
# its table, and the rows of a table's heirs are theirs. A table that the role may not read it can
# hardly have seeded.
_COUNTS: LiteralString = """
SELECT t.name, t.believed, CASE WHEN t.believed <= %(most)s THEN
    substring(query_to_xml(format('SELECT count(*) AS n FROM (SELECT FROM %%s %%s LIMIT %%s) AS f',
                                  t.only, t.name, %(most)s + 1), false, false, '')::text
              FROM '<n>([0-9]+)</n>')::bigint END
FROM (SELECT format('%%I.%%I', n.nspname, c.relname) AS name,
             CASE WHEN c.relkind = 'r' THEN 'ONLY' ELSE '' END AS only,
             CASE WHEN c.relkind = 'r' THEN greatest(c.reltuples, 0)::bigint
                  ELSE (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0)::bigint
                          FROM pg_partition_tree(c.oid) p JOIN pg_class l ON l.oid = p.relid
                         WHERE p.isleaf) END AS believed
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.oid = ANY(%(numbers)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         AND NOT n.nspname || '.' || c.relname = ANY(%(without)s)
         AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) AS t
ORDER BY 1
"""


def count_rows(connection: psycopg.Connection[Any], scope: Scope) -> tuple[RowCount, ...]:
    """Return how many rows each table of the application has, as the session's user sees them.

    Where the server believes that there are more than `COUNTED`, or counting finds as many, its
    estimate has to do.

    Args:
        connection: In autocommit mode; it is left as it was.
        scope: Which schemas.

    Returns:
        The tables that the user may read, by name; empty where there is none.

    Raises:
        DatabaseUnreachable: When the connection was cut.
        DatabaseError: When the server refuses, or it takes too long.
    """
    named = {"schemas": list(scope.schemas), "without": list(scope.without)}
    with (
        told("the rows of the tables cannot be counted"),
        connection.transaction(force_rollback=True),
    ):
        connection.execute(_READING.encode())
        numbers = [number for (number,) in connection.execute(SCHEMAS, named)]
        found = connection.execute(_COUNTS, {**named, "numbers": numbers, "most": COUNTED})
        return tuple(_count(*row) for row in found)


def _count(name: str, believed: int, counted: int | None) -> RowCount:
    if counted is None or counted > COUNTED:
        return RowCount(name, max(believed, counted or 0), is_exact=False)
    return RowCount(name, counted)
