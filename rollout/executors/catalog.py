"""Reads what the database says of its tables; one question, and it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.executors.postgres import told
from rollout.model.catalog import Catalog, Column, Constraint, ConstraintKind, Table

if TYPE_CHECKING:
    import psycopg

# A table counts with its partitions and heirs, since what is done to it is done to them. Asking for
# a file's own size waits behind whoever has locked the table, so it is asked only where nothing
# else tells; a table that was never counted, or has grown from nothing since, has no known rows.
_TABLES = """
WITH RECURSIVE tree (root, oid) AS (
    SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'm')
    UNION ALL
    SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
), sized AS (
    SELECT t.root, c.relname, n.nspname, c.oid, c.reltuples, c.relpages,
           CASE WHEN c.relkind = 'p' THEN 0
                WHEN c.relpages > 0 THEN c.relpages * current_setting('block_size')::bigint
                ELSE pg_relation_size(c.oid) END AS bytes
      FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
), summed AS (
    SELECT root, sum(bytes)::bigint AS bytes,
           CASE WHEN bool_or(bytes > 0 AND (reltuples < 0 OR relpages = 0)) THEN NULL
                ELSE sum(CASE WHEN bytes > 0 THEN reltuples ELSE 0 END)::bigint END AS rows,
           array_remove(array_agg(CASE WHEN oid <> root THEN nspname || '.' || relname END), NULL)
               AS parts
      FROM sized GROUP BY root
)
SELECT n.nspname || '.' || c.relname, s.rows, s.bytes, s.parts,
       ARRAY(SELECT ARRAY[a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text]
               FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT ARRAY[k.conname::text, k.contype::text, pg_get_constraintdef(k.oid),
                          k.convalidated::text,
                          CASE WHEN k.confrelid = 0 THEN ''
                               ELSE (SELECT rn.nspname || '.' || r.relname FROM pg_class r
                                       JOIN pg_namespace rn ON rn.oid = r.relnamespace
                                      WHERE r.oid = k.confrelid) END]
               FROM pg_constraint k WHERE k.conrelid = c.oid ORDER BY k.conname),
       ARRAY(SELECT xn.nspname || '.' || x.relname
               FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
               JOIN pg_namespace xn ON xn.oid = x.relnamespace
              WHERE i.indrelid = c.oid ORDER BY 1),
       c.relkind = 'm'
  FROM summed s JOIN pg_class c ON c.oid = s.root JOIN pg_namespace n ON n.oid = c.relnamespace
"""
_DOMAINS = """
SELECT DISTINCT t.typname::text FROM pg_type t
  LEFT JOIN pg_constraint k ON k.contypid = t.oid
 WHERE t.typtype = 'd' AND t.typnamespace <> 'information_schema'::regnamespace
   AND (t.typnotnull OR k.oid IS NOT NULL)
"""
LOCK_TIMEOUT_S = 5.0
"""How long reading a size waits behind somebody's lock, in seconds."""
_KINDS: dict[str, ConstraintKind] = {
    "c": "check",
    "f": "foreign key",
    "n": "not null",
    "p": "primary key",
    "u": "unique",
    "x": "exclusion",
}


def read_catalog(connection: psycopg.Connection[Any]) -> Catalog:
    """Return the database's tables with their sizes, columns, constraints and indexes.

    Args:
        connection: To the database; what its user may not see is left out.

    Raises:
        DatabaseUnreachable: When the connection was cut.
        DatabaseError: When the server refuses.
    """
    with told("the tables' sizes cannot be read"), connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S:g}s'".encode())
        tables = tuple(_table(row) for row in connection.execute(_TABLES))
        domains = frozenset(name for (name,) in connection.execute(_DOMAINS))
    return Catalog({table.name: table for table in tables}, domains)


def _table(row: tuple[Any, ...]) -> Table:
    name, rows, size_bytes, parts, columns, constraints, indexes, is_view = row
    return Table(
        name,
        rows,
        size_bytes,
        tuple(Column(title, kind, required == "true") for title, kind, required in columns),
        tuple(
            Constraint(title, _KINDS[kind], definition, valid == "true", references)
            for title, kind, definition, valid, references in constraints
            if kind in _KINDS
        ),
        tuple(indexes),
        is_view,
        tuple(parts),
    )
