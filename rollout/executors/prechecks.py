"""Asks the rows of the database whether they would refuse pending statements; it changes nothing.

One transaction that reads only, so that all answers are about the same moment, and is rolled back.
Each question may take only so long, and waits for nobody's lock.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rollout.executors.postgres import is_cut, told
from rollout.model.precheck import Answer, Ending, Precheck

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

LOCK_TIMEOUT_S = 0.5
"""How long a question waits behind somebody's lock, in seconds; as long as a statement itself."""

_KEY_CHARACTERS = 80
_SETTING = b"SELECT set_config(%s, %s, true)"
_TOO_SLOW, _LOCKED, _FORBIDDEN = "57014", "55P03", "42501"
# Which codes are about the rows' values: what the statement meets as well. What is not supported (a
# NaN as a whole number), a subquery with too many rows, data exceptions, violated constraints,
# limits of the server, and what a function of the application raises.
_OF_VALUES = ("0A", "21", "22", "23", "54", "P0")
_MISSING = b"""
SELECT current_user::text, has_schema_privilege(n.oid, 'USAGE'),
       has_table_privilege(c.oid, 'SELECT')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relname = %s
"""


def ask(
    connection: psycopg.Connection[Any], prechecks: Iterable[Precheck], timeout_s: float
) -> tuple[Answer, ...]:
    """Return the answers, one for each question in its order.

    Args:
        connection: To the application's database, in autocommit mode.
        prechecks: The questions.
        timeout_s: How long each may take, in seconds.

    Raises:
        DatabaseUnreachable: When the connection was cut.
        DatabaseError: When the server refuses the transaction itself.
    """
    asked = tuple(prechecks)
    if not any(one.question for one in asked):
        return tuple(Answer(one, "not asked") for one in asked)
    with told("the rows cannot be asked"), _reading(connection, timeout_s):
        return tuple(_ask(connection, one) for one in asked)


@contextmanager
def _reading(connection: psycopg.Connection[Any], timeout_s: float) -> Generator[None]:
    """Hold a transaction that only reads, and roll it back."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        settings = {
            "statement_timeout": f"{timeout_s * 1000:.0f}",
            "lock_timeout": f"{LOCK_TIMEOUT_S * 1000:.0f}",
            # Rows that a policy hides are in the statement's way all the same.
            "row_security": "off",
        }
        for name, value in settings.items():
            connection.execute(_SETTING, (name, value))
        yield
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")


def _ask(connection: psycopg.Connection[Any], precheck: Precheck) -> Answer:
    if not precheck.question:
        return Answer(precheck, "not asked")
    row, sqlstate = _row(connection, precheck.question)
    if sqlstate:
        grants = _grants(connection, precheck) if sqlstate == _FORBIDDEN else ()
        return Answer(precheck, _ending(sqlstate), sqlstate=sqlstate, grants=grants)
    if precheck.counts == "nothing" or not row[0]:
        return Answer(precheck)
    # It was counted already, so that a key that cannot be had leaves the answer as it is.
    key, _ = _row(connection, precheck.example) if precheck.example else ((), "")
    return Answer(precheck, count=row[0], key=tuple(_shortened(str(one)) for one in key))


def _row(connection: psycopg.Connection[Any], question: str) -> tuple[tuple[Any, ...], str]:
    """Return the one row of a query, and the server's code where it failed."""
    connection.execute("SAVEPOINT question")
    try:
        found = connection.execute(question.encode()).fetchone()
    except psycopg.Error as error:
        if is_cut(error):
            raise
        connection.execute("ROLLBACK TO SAVEPOINT question")
        return (), error.sqlstate or ""
    connection.execute("RELEASE SAVEPOINT question")
    return found or (), ""


def _ending(sqlstate: str) -> Ending:
    named: dict[str, Ending] = {
        _TOO_SLOW: "too slow",
        _LOCKED: "locked",
        _FORBIDDEN: "forbidden",
    }
    return named.get(sqlstate, "refused" if sqlstate.startswith(_OF_VALUES) else "not asked")


def _grants(connection: psycopg.Connection[Any], precheck: Precheck) -> tuple[str, ...]:
    """Return the rights that are missing; none where it is a policy, or a function's right."""
    return tuple(
        sql.SQL("GRANT {}").format(what).as_string(connection)
        for schema, table in precheck.reads
        for what in _missing(connection, schema, table)
    )


def _missing(
    connection: psycopg.Connection[Any], schema: str, table: str
) -> Iterator[sql.Composable]:
    found = connection.execute(_MISSING, (schema, table)).fetchone()
    if found is None:
        return
    role, uses, reads = found
    if not uses:
        words = sql.SQL("USAGE ON SCHEMA {} TO {}")
        yield words.format(sql.Identifier(schema), sql.Identifier(role))
    if not reads:
        words = sql.SQL("SELECT ON {} TO {}")
        yield words.format(sql.Identifier(schema, table), sql.Identifier(role))


def _shortened(text: str) -> str:
    return text if len(text) <= _KEY_CHARACTERS else f"{text[: _KEY_CHARACTERS - 1]}…"
