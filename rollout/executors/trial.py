"""Tries statements on a scratch database as the application's role, and takes all of it back.

Never on production: the statements take real locks, move sequences and fire triggers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rollout.decide.evidence import evidence_of
from rollout.executors.postgres import connect, is_cut, read_place, told
from rollout.executors.proxy import proxy
from rollout.model.target import DatabaseAddress
from rollout.model.trial import Outcome, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.executors.process import Log
    from rollout.model.trial import Evidence

TIMEOUT_S = 10.0
"""How long one statement may take, in seconds: a trigger can hang."""
_BACK = "ROLLBACK TO SAVEPOINT trial; "


@dataclass(frozen=True, slots=True)
class Ground:
    """Where statements are tried.

    Attributes:
        address: A scratch database; its user may become the role.
        role: The application's role there.
    """

    address: DatabaseAddress
    role: str


def try_on_both(before: Ground, after: Ground, trials: Iterable[Trial], log: Log) -> Evidence:
    """Return what trials show of the difference between two scratch databases.

    Args:
        before: Has the schema that the code was verified with.
        after: Has the other one.
        trials: What the code would do; nothing is asked when there is none.
        log: Called with what the addresses' proxies say.

    Raises:
        DatabaseUnreachable: When nobody answers, or a connection was cut.
        DatabaseError: When a user may not become its role.
    """
    trials = tuple(trials)
    then, now = (
        try_statements(one.address, one.role, trials, log) if trials else ()
        for one in (before, after)
    )
    return evidence_of(then, now)


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
        proxy(address, place.host, place.port, log),
        connect(address, place) as connection,
        told("the statements cannot be tried"),
    ):
        _begin(connection, role)
        try:
            session = _Session(connection)
            outcomes = [session.try_(trial) for trial in trials]
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


class _Session:
    """A session in which trials follow each other; none leaves more than it is to keep.

    A savepoint always stands where the next trial begins. Going back to it is sent together with
    the next statement, because there are thousands of them.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._back = ""
        connection.execute("SAVEPOINT trial")

    def try_(self, trial: Trial) -> Outcome:
        statement = ""
        rows, types = 0, ()
        try:
            for statement in trial.statements:
                rows, types = self._send(statement)
        except psycopg.Error as error:
            if is_cut(error):
                raise
            self._back = _BACK
            state = error.sqlstate or ""
            return Outcome(trial.name, statement, sqlstate=state, relation=trial.relation)
        if trial.keeps:
            self._connection.execute("RELEASE SAVEPOINT trial; SAVEPOINT trial")
        else:
            self._back = _BACK
        return Outcome(trial.name, statement, "", rows, types, trial.relation)

    def _send(self, statement: str) -> tuple[int, tuple[str, ...]]:
        """Send a statement; return how many rows it was about, and what types came back."""
        # What is deferred is checked now: the transaction never ends well.
        words = f"{self._back}{statement}\n; SET CONSTRAINTS ALL IMMEDIATE"
        cursor = self._connection.execute(words.encode())
        if self._back:
            cursor.nextset()
            self._back = ""
        types = tuple(str(column.type_code) for column in cursor.description or ())
        return max(cursor.rowcount, 0), types


def _named(connection: psycopg.Connection[Any], outcomes: list[Outcome]) -> tuple[Outcome, ...]:
    """Return outcomes with the types' names: a copy of a database numbers its own types anew."""
    rows = connection.execute("SELECT oid::text, typname::text FROM pg_type").fetchall()
    names: dict[str, str] = dict(rows)
    return tuple(
        replace(one, types=tuple(names.get(number, number) for number in one.types))
        for one in outcomes
    )
