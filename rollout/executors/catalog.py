"""Reads what the database says of its tables; one question, and it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.executors.postgres import told
from rollout.model.catalog import Catalog, Column, Constraint, ConstraintKind, Table

if TYPE_CHECKING:
    import psycopg

# Rows are what the planner would take: the density that was counted last times today's size.
_TABLES = """
SELECT n.nspname || '.' || c.relname,
       CASE WHEN c.reltuples < 0 OR (c.relpages = 0 AND pg_relation_size(c.oid) > 0) THEN NULL
            WHEN c.relpages = 0 THEN 0
            ELSE round(c.reltuples / c.relpages::float8 * pg_relation_size(c.oid)
                       / current_setting('block_size')::int)::bigint END,
       pg_relation_size(c.oid),
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
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
"""
_DOMAINS = """
SELECT DISTINCT t.typname::text FROM pg_type t
  LEFT JOIN pg_constraint k ON k.contypid = t.oid
 WHERE t.typtype = 'd' AND t.typnamespace <> 'information_schema'::regnamespace
   AND (t.typnotnull OR k.oid IS NOT NULL)
"""
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
    with told("the tables' sizes cannot be read"):
        tables = tuple(_table(row) for row in connection.execute(_TABLES))
        domains = frozenset(name for (name,) in connection.execute(_DOMAINS))
    return Catalog({table.name: table for table in tables}, domains)


def _table(row: tuple[Any, ...]) -> Table:
    name, rows, size_bytes, columns, constraints, indexes, is_view = row
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
    )
