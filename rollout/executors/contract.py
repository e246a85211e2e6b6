"""Reads the schema contract of a live database, as the application's role would find it.

Everything is read in one read-only transaction, so that it is one moment's; nothing is locked that
an application waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar, cast

import psycopg

from rollout.errors import DatabaseError
from rollout.executors import contract_queries as queries
from rollout.executors.postgres import connect, read_place, told
from rollout.executors.proxy import proxy
from rollout.model.contract import (
    Check,
    Column,
    Contract,
    Domain,
    EnumType,
    ForeignKey,
    Function,
    Key,
    Policy,
    Relation,
    Scope,
    Sequence,
    Trigger,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.executors.process import Log
    from rollout.model.target import DatabaseAddress

T = TypeVar("T")

_KINDS: dict[str, str] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
# With no search_path every name outside pg_catalog is written in full; compiling such queries costs
# more than it saves.
_READING = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
    "SET LOCAL search_path = ''; SET LOCAL jit = off"
)


def read_contract(address: DatabaseAddress, scope: Scope, log: Log) -> Contract:
    """Return the contract of a database as it is now.

    Args:
        address: How to reach it; its user needs no rights on the tables.
        scope: Which role and which schemas.
        log: Called with what the address' proxy says.

    Raises:
        ConfigInvalid: When the URL is none.
        DatabaseUnreachable: When nobody answers, or the connection was cut.
        DatabaseError: When the server refuses, or has no such role.
    """
    place = read_place(address)
    with (
        proxy(address, place.host, place.port, log),
        connect(address, place) as connection,
    ):
        return contract_on(connection, scope)


def contract_on(connection: psycopg.Connection[Any], scope: Scope) -> Contract:
    """Return the contract of the database that a connection leads to, as it is now.

    Args:
        connection: In autocommit mode; it is left as it was.
        scope: Which role and which schemas.

    Raises:
        DatabaseUnreachable: When the connection was cut.
        DatabaseError: When the server refuses, or has no such role.
    """
    with (
        told("the schema contract cannot be read"),
        connection.transaction(force_rollback=True),
    ):
        connection.execute(_READING)
        return _Reader.of(connection, scope).contract()


@dataclass(frozen=True, slots=True)
class _Reader:
    connection: psycopg.Connection[Any]
    role: str
    schemas: list[int]
    without: list[str]

    @staticmethod
    def of(connection: psycopg.Connection[Any], scope: Scope) -> _Reader:
        if not connection.execute(queries.ROLE, {"role": scope.role}).fetchone():
            raise DatabaseError(
                f"the database knows no role {scope.role}",
                next_step="Name the role that the application's own URL logs in as.",
            )
        named = {"schemas": list(scope.schemas), "without": list(scope.without)}
        schemas = [number for (number,) in connection.execute(queries.SCHEMAS, named)]
        return _Reader(connection, scope.role, schemas, list(scope.without))

    def contract(self) -> Contract:
        return Contract(
            role=self.role,
            relations=self._relations(),
            enums=self._all(queries.ENUMS, EnumType),
            domains=self._all(queries.DOMAINS, Domain),
            sequences=self._all(queries.SEQUENCES, Sequence),
            functions=self._all(queries.FUNCTIONS, Function),
            settings=self._all(queries.SETTINGS, str),
            other=self._all(queries.OTHER_TYPES, str),
        )

    def _relations(self) -> tuple[Relation, ...]:
        columns = self._by_relation(queries.COLUMNS, Column)
        checks = self._by_relation(queries.CHECKS, Check)
        foreign_keys = self._by_relation(queries.FOREIGN_KEYS, ForeignKey)
        keys = self._by_relation(queries.KEYS, Key)
        policies = self._by_relation(queries.POLICIES, Policy)
        triggers = self._by_relation(queries.TRIGGERS, Trigger)
        rules = self._by_relation(queries.RULES, str)
        return tuple(
            Relation(
                name=name,
                kind=_KINDS.get(kind, str(kind)),
                columns=columns.get(number, ()),
                checks=checks.get(number, ()),
                foreign_keys=foreign_keys.get(number, ()),
                keys=keys.get(number, ()),
                row_security=row_security,
                policies=policies.get(number, ()),
                triggers=triggers.get(number, ()),
                rules=rules.get(number, ()),
                definition=definition,
                parent=parent,
                may=may,
                other=other,
            )
            for number, name, kind, row_security, definition, parent, may, other in self._rows(
                queries.RELATIONS
            )
        )

    def _all(self, query: LiteralString, make: Callable[..., T]) -> tuple[T, ...]:
        return tuple(make(*row) for row in self._rows(query))

    def _by_relation(
        self, query: LiteralString, make: Callable[..., T]
    ) -> dict[int, tuple[T, ...]]:
        found: dict[int, tuple[T, ...]] = {}
        for number, *row in self._rows(query):
            found[number] = (*found.get(number, ()), make(*row))
        return found

    def _rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        named = {"role": self.role, "schemas": self.schemas, "without": self.without}
        return [tuple(map(_frozen, row)) for row in self.connection.execute(query, named)]


def _frozen(value: Any) -> Any:
    """Return an array as a tuple, and everything else as it is."""
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value
