"""Scratch databases: made for one look at what statements do, dropped whatever comes of it.

They live on a server of their own kind: a rehearsal's or CI's, never by default production's. A
name says when its database was made, so that what a killed run left is recognised and removed.
"""

from __future__ import annotations

import re
import secrets
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from rollout.errors import (
    DatabaseError,
    DatabaseUnreachable,
    ScratchForbidden,
    ScratchUnreachable,
    ScratchUnusable,
)
from rollout.executors.postgres import connect, is_cut, read_place
from rollout.executors.proxy import proxy
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log

PREFIX = "trovella_scratch_"
LEFT_AFTER_S = 3600.0
"""After how long, in seconds, a scratch database counts as left behind by a killed run."""
_LACKS_RIGHT = "42501"
_NAME = re.compile(rf"{PREFIX}(?P<made>\d+)_[0-9a-f]+")


@contextmanager
def scratch_server(server: DatabaseAddress, log: Log) -> Generator[psycopg.Connection[Any]]:
    """Yield a connection to a server on which scratch databases may be made.

    Args:
        server: Any database of that server; the user may create databases.
        log: Called with what the address' proxy says.

    Raises:
        ConfigInvalid: When the URL is none.
        ScratchUnreachable: When nobody answers there.
        ScratchForbidden: When the server refuses the login.
    """
    place = read_place(server)
    with ExitStack() as opened:
        try:
            opened.enter_context(proxy(server, place.host, place.port, log))
            connection = opened.enter_context(connect(server, place))
        except DatabaseError as error:
            away = isinstance(error, DatabaseUnreachable)
            kind = ScratchUnreachable if away else ScratchForbidden
            raise _of_the_server(kind, error.true, error.next_step, error.sqlstate) from error
        yield connection


def demand_rights(admin: psycopg.Connection[Any]) -> None:
    """Make sure that the server's user may make databases and roles; nothing is made.

    Args:
        admin: What `scratch_server` yielded.

    Raises:
        ScratchForbidden: When it may not.
        ScratchUnusable: When the server does not tell.
    """
    with unusable("what the scratch server's user may do cannot be read"):
        row = admin.execute(
            "SELECT current_user::text, rolsuper OR rolcreatedb, rolsuper OR rolcreaterole "
            "FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    if row is None or row[1:] != (True, True):
        name = row[0] if row else "nobody"
        raise ScratchForbidden(
            f"the scratch server's user {name} may not make databases and roles",
            next_step=f'Run `ALTER ROLE "{name}" CREATEDB CREATEROLE` there as an administrator.',
        )


@contextmanager
def scratch_database(
    admin: psycopg.Connection[Any],
    server: DatabaseAddress,
    log: Log,
    owner: str = "",
    left_after_s: float = LEFT_AFTER_S,
) -> Generator[DatabaseAddress]:
    """Yield the address of an empty database, which is gone when the block is left.

    What killed runs left on the server is removed first.

    Args:
        admin: What `scratch_server` yielded; it must not be used for anything else meanwhile.
        server: The address that it leads to; its proxy runs.
        log: Called with what is made and removed.
        owner: The role that the database belongs to; empty means the user itself.
        left_after_s: After how long a database counts as left behind, in seconds.

    Raises:
        ScratchUnusable: When the database cannot be made.
    """
    remove_leftovers(admin, log, left_after_s)
    name = f"{PREFIX}{int(time.time())}_{secrets.token_hex(6)}"
    words = sql.SQL(" OWNER {}").format(sql.Identifier(owner)) if owner else sql.SQL("")
    with unusable("no scratch database can be made"):
        # template1 may hold what an administrator has put there.
        make = sql.SQL("CREATE DATABASE {}{} TEMPLATE template0")
        admin.execute(make.format(sql.Identifier(name), words))
    try:
        yield address_of(server, name)
    finally:
        _drop(admin, name, log)


def remove_leftovers(
    admin: psycopg.Connection[Any], log: Log, left_after_s: float = LEFT_AFTER_S
) -> tuple[str, ...]:
    """Drop the scratch databases that killed runs left, and return their names.

    Args:
        admin: To any database of the server.
        log: Called with what is removed.
        left_after_s: How old they must be, in seconds.

    Raises:
        ScratchUnusable: When the server's databases cannot be read.
    """
    with unusable("the scratch server's databases cannot be read"):
        names = [name for (name,) in admin.execute("SELECT datname::text FROM pg_database")]
    made = ((name, _NAME.fullmatch(name)) for name in names)
    old = time.time() - left_after_s
    left = tuple(name for name, found in made if found and int(found["made"]) <= old)
    for name in left:
        log(f"{name} was left behind by a run that was killed: it is removed")
        _drop(admin, name, log)
    return left


def address_of(server: DatabaseAddress, name: str, role: str = "") -> DatabaseAddress:
    """Return the address of a database of a server whose proxy runs already.

    Args:
        server: Any database of that server.
        name: The database.
        role: What its sessions are from their beginning, also after `RESET ROLE`; empty means the
            URL's own user.
    """
    parts = urlsplit(server.url.reveal())
    query = [part for part in parts.query.split("&") if part and not part.startswith("options=")]
    if role:
        escaped = role.replace("\\", "\\\\").replace(" ", "\\ ")
        query.append(urlencode({"options": f"-c role={escaped}"}, quote_via=quote))
    changed = parts._replace(path=f"/{quote(name)}", query="&".join(query))
    return DatabaseAddress(Secret(urlunsplit(changed)))


@contextmanager
def unusable(what: str) -> Generator[None]:
    """Turn what a scratch server refuses into our own error.

    Args:
        what: What fails then, as a lower-case fragment.

    Raises:
        ScratchUnreachable: When the connection was cut.
        ScratchForbidden: When the server's user lacks a right.
        ScratchUnusable: With the server's own words.
    """
    try:
        yield
    except psycopg.Error as error:
        words = error.diag.message_primary or str(error).strip()
        kind = ScratchForbidden if error.sqlstate == _LACKS_RIGHT else ScratchUnusable
        raise _of_the_server(
            ScratchUnreachable if is_cut(error) else kind,
            f"{what}: {words} (SQLSTATE {error.sqlstate})",
            "Correct what the scratch server lacks or forbids; its user may create databases and "
            "roles.",
            error.sqlstate or "",
        ) from error


def _of_the_server(
    kind: type[ScratchUnusable], true: str, next_step: str, sqlstate: str
) -> ScratchUnusable:
    error = kind(true, next_step=next_step)
    error.sqlstate = sqlstate
    return error


def _drop(admin: psycopg.Connection[Any], name: str, log: Log) -> None:
    """Drop a database and whoever is in it; what fails is told, the next run tries again."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    try:
        admin.execute(drop)
    except psycopg.Error as error:
        log(f"{name} could not be dropped (SQLSTATE {error.sqlstate}); a later run does it")
