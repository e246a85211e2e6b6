"""Roles for SQL that nobody here wrote: one that runs it, and one that the code would be.

The one that runs it is a login of its own, so that no `RESET ROLE` leads anywhere: no superuser,
and it makes neither roles nor databases.
"""

from __future__ import annotations

import re
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from rollout.executors.scratch import LEFT_AFTER_S, unusable
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log

PREFIX = "trovella_walk_"
_RIGHTS: tuple[LiteralString, ...] = (
    "SELECT, INSERT, UPDATE, DELETE ON TABLES",
    "USAGE ON SEQUENCES",
    "USAGE ON SCHEMAS",
)
_NAME = re.compile(rf"{PREFIX}(?P<made>\d+)_[0-9a-f]+(?:_app)?")


@dataclass(frozen=True, slots=True)
class WalkRoles:
    """Two roles that are gone when the walk is over.

    Attributes:
        owner: Runs the migrations, and owns what they make.
        app: Stands for the application: it cannot log in.
        password: The owner's.
    """

    owner: str
    app: str
    password: Secret

    def address(self, database: DatabaseAddress) -> DatabaseAddress:
        """Return the address of a database, for sessions of the owner."""
        parts = urlsplit(database.url.reveal())
        host = parts.netloc.rpartition("@")[2]
        login = f"{quote(self.owner)}:{quote(self.password.reveal())}@{host}"
        return DatabaseAddress(Secret(urlunsplit(parts._replace(netloc=login))))


@contextmanager
def walk_roles(admin: psycopg.Connection[Any], log: Log) -> Generator[WalkRoles]:
    """Yield two new roles, which are gone when the block is left.

    The databases that the owner owns must be gone by then. Roles that killed runs left are removed.

    Args:
        admin: To the scratch server; its user may make roles.
        log: Called with what is removed, and with what could not be.

    Raises:
        ScratchUnusable: When the server lets its user make no roles.
    """
    with unusable("the scratch server's roles cannot be read"):
        names = [name for (name,) in admin.execute("SELECT rolname::text FROM pg_roles")]
    for name in names:
        found = _NAME.fullmatch(name)
        if found and int(found["made"]) <= time.time() - LEFT_AFTER_S:
            _drop(admin, name, log)
    owner = f"{PREFIX}{int(time.time())}_{secrets.token_hex(6)}"
    roles = WalkRoles(owner, f"{owner}_app", Secret(secrets.token_hex(16)))
    try:
        with unusable("the scratch server lets no role be made"):
            _make(admin, roles)
        yield roles
    finally:
        _drop(admin, roles.app, log)
        _drop(admin, roles.owner, log)


def open_to_app(owner: psycopg.Connection[Any], roles: WalkRoles) -> None:
    """Give the application's role what it usually has of all that the owner will make.

    Args:
        owner: A session of the owner, in the database.
        roles: The two.
    """
    app = sql.Identifier(roles.app)
    owner.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(app))
    for what in _RIGHTS:
        grant = sql.SQL("ALTER DEFAULT PRIVILEGES GRANT {} TO {}")
        owner.execute(grant.format(sql.SQL(what), app))


def _make(admin: psycopg.Connection[Any], roles: WalkRoles) -> None:
    owner, app = sql.Identifier(roles.owner), sql.Identifier(roles.app)
    with admin.transaction():
        login = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        admin.execute(login.format(owner, sql.Literal(roles.password.reveal())))
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(app))
        admin.execute(sql.SQL("GRANT {} TO {}").format(app, owner))
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))


def _drop(admin: psycopg.Connection[Any], name: str, log: Log) -> None:
    """Drop a role; what fails is told, and a later run tries again."""
    try:
        admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        log(f"{name} could not be dropped (SQLSTATE {error.sqlstate}); a later run does it")
