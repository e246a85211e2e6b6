"""Tries statements on a scratch database as the application's role, and takes all of it back.

Never on production: the statements take real locks, move sequences and fire triggers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rollout.executors.postgres import connect, is_cut, read_place, told
from rollout.executors.proxy import proxy
from rollout.model.trial import Outcome, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.executors.process import Log
    from rollout.model.target import DatabaseAddress

TIMEOUT_S = 10.0
"""How long one statement may take, in seconds: a trigger can hang."""


def try_statements(
    address: DatabaseAddress, role: str, trials: Iterable[Trial], log: Log
) -> tuple[Outcome, ...]:
    """Return what a database says to trials; nothing of them stays but what sequences counted.

    Args:
        address: A scratch database; its user may become the role.
        role: The application's role.
        trials: What to try, in this order.
        log: Called with what the address' proxy says.

    Raises:
        DatabaseUnreachable: When nobody answers, or the connection was cut.
        DatabaseError: When the user may not become the role.
    """
    place = read_place(address)
    with (
        proxy(address.proxy_command, place.host, place.port, log),
        connect(address, place) as connection,
        told("the statements cannot be tried"),
    ):
        _begin(connection, role)
        try:
            outcomes = [_try(connection, trial) for trial in trials]
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")
        return _named(connection, outcomes)


def _begin(connection: psycopg.Connection[Any], role: str) -> None:
    """Begin as the role, with the settings that its own sessions start with."""
    settings = connection.execute(
        "SELECT DISTINCT ON (lower(split_part(one, '=', 1))) one FROM pg_db_role_setting s "
        "CROSS JOIN unnest(s.setconfig) one WHERE s.setrole = "
        "(SELECT oid FROM pg_roles WHERE rolname = %s) AND s.setdatabase IN "
        "(0, (SELECT oid FROM pg_database WHERE datname = current_database())) "
        "ORDER BY lower(split_part(one, '=', 1)), s.setdatabase <> 0 DESC",
        (role,),
    ).fetchall()
    for (setting,) in settings:
        name, _, value = setting.partition("=")
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.execute("BEGIN")
    connection.execute("SELECT set_config('statement_timeout', %s, true)", (f"{TIMEOUT_S:.0f}s",))
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))


def _try(connection: psycopg.Connection[Any], trial: Trial) -> Outcome:
    connection.execute("SAVEPOINT trial")
    outcome = _send(connection, trial)
    if outcome.sqlstate or not trial.keeps:
        connection.execute("ROLLBACK TO SAVEPOINT trial")
    connection.execute("RELEASE SAVEPOINT trial")
    return outcome


def _send(connection: psycopg.Connection[Any], trial: Trial) -> Outcome:
    statement = ""
    rows, types = 0, ()
    try:
        for statement in trial.statements:
            cursor = connection.execute(statement.encode())
            rows = max(cursor.rowcount, 0)
            types = tuple(str(column.type_code) for column in cursor.description or ())
            # What is deferred is checked now: the transaction never ends well.
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        if is_cut(error):
            raise
        return Outcome(trial.name, statement, sqlstate=error.sqlstate or "")
    return Outcome(trial.name, statement, "", rows, types)


def _named(connection: psycopg.Connection[Any], outcomes: list[Outcome]) -> tuple[Outcome, ...]:
    """Return outcomes with the types' names: a copy of a database numbers its own types anew."""
    rows = connection.execute("SELECT oid::text, typname::text FROM pg_type").fetchall()
    names: dict[str, str] = dict(rows)
    return tuple(
        Outcome(
            one.trial,
            one.statement,
            one.sqlstate,
            one.rows,
            tuple(names.get(number, number) for number in one.types),
        )
        for one in outcomes
    )
