"""Sends a migration that nobody here wrote to a scratch database, statement by statement.

What the server does not take is noted and left out, so that the walk goes on: a folder may want an
extension, a role or a row that is only there where it is at home.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rollout.executors.postgres import is_cut
from rollout.migrations.sql import parse_sql
from rollout.model.judged_step import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.migrations.journal import Migration
    from rollout.migrations.sql import Parsed

TIMEOUT_S = 30.0
"""How long one statement may take, in seconds."""
_BEGIN = (
    b"RESET SESSION AUTHORIZATION; RESET ALL; SET client_min_messages = error; "
    b"SET synchronous_commit = off"
)
# A type that stands in for one of an extension that is not there; only a superuser may make it. Its
# values are texts, and the number behind it, as in `vector(3)`, is their greatest length.
_STAND_IN = """
CREATE TYPE public.{0};
CREATE FUNCTION public.{1}(cstring, oid, integer) RETURNS public.{0}
  AS 'varcharin' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION public.{2}(public.{0}) RETURNS cstring
  AS 'varcharout' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE public.{0} (INPUT = public.{1}, OUTPUT = public.{2}, LIKE = text,
  TYPMOD_IN = varchartypmodin, TYPMOD_OUT = varchartypmodout)
"""
_TYPES = {"vector": ("vector", "halfvec"), "citext": ("citext",), "hstore": ("hstore",)}
_CHANGES_ROWS = frozenset({
    "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "DoStmt", "CallStmt",
    "SelectStmt", "CreateTableAsStmt", "Opaque",
})  # fmt: skip
_ROWS = b"""
SELECT coalesce(string_agg(format('%I.%I', n.nspname, c.relname), ', '), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND pg_has_role(c.relowner, 'USAGE')
"""


class Sender:
    """Sends migrations to one database.

    Args:
        owner: A session that owns the database, in autocommit mode.
        superuser: A session there that may make stand-ins for extensions.
    """

    def __init__(self, owner: psycopg.Connection[Any], superuser: psycopg.Connection[Any]) -> None:
        self._owner = owner
        self._superuser = superuser
        rows = superuser.execute("SELECT name::text FROM pg_available_extensions")
        self._available = {name for (name,) in rows}

    def send(self, migration: Migration) -> tuple[Skipped, ...]:
        """Run a migration, and return what the server did not take of it.

        Rows that it left are taken away again: they would stand in the way of trials, and of what
        a later migration asks of all rows.
        """
        parsed, _ = parse_sql(migration)
        self._owner.execute(_BEGIN)
        self._owner.execute(f"SET statement_timeout = '{TIMEOUT_S:.0f}s'".encode())
        by_part = {
            number: tuple(ones)
            for number, ones in groupby(parsed, key=lambda one: one.statement.number)
        }
        skipped = tuple(
            one
            for number, text in enumerate(migration.statements, 1)
            if text.strip()
            for one in self._part(
                f"{migration.file}, statement {number}", text, by_part.get(number, ())
            )
        )
        if any(one.tree.kind in _CHANGES_ROWS for one in parsed):
            self._empty()
        return skipped

    def _part(self, where: str, text: str, parsed: tuple[Parsed, ...]) -> Iterator[Skipped]:
        """Send a part at once where it can be, else its statements one after another."""
        if not any(map(_stands_alone, parsed)):
            refused = self._run(text)
            if not refused:
                return
            if len(parsed) < 2:  # noqa: PLR2004 - one statement is what was refused
                yield Skipped(where, refused)
                return
        for one in parsed:
            why = self._one(one)
            if why:
                yield Skipped(one.statement.where, why)

    def _one(self, one: Parsed) -> str:
        """Run a statement and return why the server did not take it; empty when it did."""
        if one.tree.kind == "TransactionStmt":
            return ""
        if one.tree.kind == "CreateExtensionStmt":
            return self._extension(one.tree.text("extname"), one.statement.text)
        return self._run(one.statement.text)

    def _extension(self, name: str, text: str) -> str:
        refused = "it is not on the server" if name not in self._available else self._run(text)
        if not refused:
            return ""
        made = [kind for kind in _TYPES.get(name, ()) if self._stand_in(kind)]
        told = f"extension {name}: {refused}"
        return f"{told}; stand-ins for its types: {', '.join(made)}" if made else told

    def _stand_in(self, kind: str) -> bool:
        names = (sql.Identifier(name) for name in (kind, f"{kind}_in", f"{kind}_out"))
        try:
            with self._superuser.transaction():
                self._superuser.execute(sql.SQL(_STAND_IN).format(*names))
        except psycopg.Error:
            return False
        return True

    def _run(self, text: str) -> str:
        try:
            self._owner.execute(text.encode())
        except psycopg.Error as error:
            if is_cut(error):
                raise
            return f"{error.diag.message_primary} (SQLSTATE {error.sqlstate})"
        return ""

    def _empty(self) -> None:
        self._owner.execute("RESET ROLE")
        row: Any = self._owner.execute(_ROWS).fetchone()
        if row[0]:
            self._run(f"TRUNCATE {row[0]} CASCADE")


def _stands_alone(one: Parsed) -> bool:
    """Return whether a statement is carried out by us, or does not share a message with others."""
    kind = one.tree.kind
    return kind in {"TransactionStmt", "CreateExtensionStmt"} or one.tree.flag("concurrent")
