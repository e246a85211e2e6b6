"""Copies the schema of a live database into a scratch database: what is there, whose, and for whom.

The copy holds no rows but those of the migrator's own tables. Roles belong to a whole server, so
those that the schema names are made on the scratch server where they are missing; they cannot log
in and stay there for the next copy.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rollout.errors import ScratchUnusable
from rollout.executors import steps
from rollout.executors.contract_queries import SETTINGS
from rollout.executors.pg_dump import dump_schema, without_role
from rollout.executors.postgres import connect, read_place, told
from rollout.executors.scratch import (
    LEFT_AFTER_S,
    address_of,
    scratch_database,
    scratch_server,
    unusable,
)
from rollout.model.target import DatabaseAddress

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log

# Who owns, or is allowed, anything there; and whose rights those have. What the server's first
# superuser owns stands in no pg_shdepend, so owners are read themselves.
_ROLES = b"""
WITH RECURSIVE needed AS (
  SELECT oid FROM pg_roles WHERE rolname IN (current_user, %(role)s)
  UNION SELECT refobjid FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION SELECT relowner FROM pg_class WHERE oid >= 16384
  UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384
  UNION SELECT proowner FROM pg_proc WHERE oid >= 16384
  UNION SELECT typowner FROM pg_type WHERE oid >= 16384
  UNION SELECT m.roleid FROM needed n JOIN pg_auth_members m ON m.member = n.oid)
SELECT r.rolname::text, ARRAY(SELECT g.rolname::text FROM pg_auth_members m
  JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1)
FROM pg_roles r JOIN needed USING (oid) WHERE r.rolname !~ '^pg_' ORDER BY 1
"""
_ROLE_IS_THERE = b"SELECT 1 FROM pg_roles WHERE rolname = %s"
# Since 16 a member need not be allowed to become the role: who made it is none that is.
_ACTS_FOR = b"""
SELECT bool_and(pg_has_role(oid, needed)) FROM pg_roles, unnest(%s::text[]) needed
WHERE rolname = %s
"""
_SET_IS_A_RIGHT = 160000
_NEEDED = ["USAGE"]
_NEEDED_SINCE_16 = ["USAGE", "SET"]
_EXTENSIONS = b"SELECT extname::text FROM pg_extension ORDER BY 1"
_AVAILABLE = b"SELECT name::text FROM pg_available_extensions"
_MAKE_EXTENSION = 'CREATE EXTENSION IF NOT EXISTS "{}" CASCADE;'
_TABLE_IS_THERE = b"SELECT to_regclass(%s) IS NOT NULL"
_SERIALS = b"""
SELECT attname::text, pg_get_serial_sequence(%(table)s, attname) FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
  AND pg_get_serial_sequence(%(table)s, attname) IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """What must be known of a live database to copy its schema.

    Attributes:
        user: Whom the migrations run as.
        roles: Each role that the schema names, with the roles that it is a member of.
        extensions: The extensions that are installed.
        settings: What the server sets for the application's role there, as `name=value`.
        server: Its major version.
    """

    user: str
    roles: tuple[tuple[str, tuple[str, ...]], ...]
    extensions: tuple[str, ...]
    settings: tuple[str, ...]
    server: int


@dataclass(frozen=True, slots=True)
class Copied:
    """A scratch database that has the live schema.

    Attributes:
        address: Leads to it; its sessions are whom the migrations run as.
        superuser: Leads to it as the scratch server's own user.
        server: The scratch server's major version.
        live_server: The live server's major version.
    """

    address: DatabaseAddress
    superuser: DatabaseAddress
    server: int
    live_server: int


@contextmanager
def schema_copy(
    live: DatabaseAddress,
    server: DatabaseAddress,
    role: str,
    table: tuple[str, str],
    log: Log,
    left_after_s: float = LEFT_AFTER_S,
) -> Generator[Copied]:
    """Yield a scratch database with the live schema in it; it is gone when the block is left.

    The live database is only read.

    Args:
        live: The live database; its proxy runs already, where it has one.
        server: Any database of the scratch server; its user may create databases and roles.
        role: The application's role.
        table: Schema and name of Drizzle's table, whose rows are copied.
        log: Called with what is made and removed.
        left_after_s: After how long a database counts as left behind, in seconds.

    Raises:
        ScratchUnusable: When the copy cannot be made; says what is missing.
        ConfigInvalid: When a URL is none.
        DatabaseUnreachable: When nobody answers at one of the addresses.
        DatabaseError: When one of the servers refuses the login.
    """
    live = replace(live, proxy_command=())
    with connect(live, read_place(live)) as source:
        origin = _read(source, role)
        dump = dump_schema(live, origin.server)
        with scratch_server(server, log) as admin:
            for name in _prepared(admin, origin):
                dump = without_role(dump, _quoted(source, name))
            made = scratch_database(admin, server, log, origin.user, left_after_s)
            with made as address, connect(address, read_place(address)) as copy:
                name = copy.info.dbname
                _fill(copy, origin, dump)
                _copy_rows(source, copy, (table, *(one[:2] for one in steps.TABLES)))
                yield Copied(
                    address_of(address, name, origin.user),
                    address,
                    admin.info.server_version // 10000,
                    origin.server,
                )


@contextmanager
def empty_copy(
    live: DatabaseAddress, server: DatabaseAddress, role: str, log: Log
) -> Generator[Copied]:
    """Yield a scratch database that stands on what the live one does, with no schema in it.

    Roles, extensions and the settings of the role are there.

    Args:
        live: The live database; its proxy runs already, where it has one.
        server: Any database of the scratch server; its user may create databases and roles.
        role: The application's role.
        log: Called with what is made and removed.

    Raises:
        ScratchUnusable: When it cannot be made; says what is missing.
        ConfigInvalid: When a URL is none.
        DatabaseUnreachable: When nobody answers at one of the addresses.
        DatabaseError: When one of the servers refuses the login.
    """
    live = replace(live, proxy_command=())
    with connect(live, read_place(live)) as source:
        origin = _read(source, role)
    with scratch_server(server, log) as admin:
        _prepared(admin, origin)
        made = scratch_database(admin, server, log, origin.user)
        with made as address, connect(address, read_place(address)) as copy:
            _fill(copy, origin, "".join(map(_MAKE_EXTENSION.format, origin.extensions)))
            name = copy.info.dbname
            own = address_of(address, name, origin.user)
            yield Copied(own, address, admin.info.server_version // 10000, origin.server)


def _prepared(admin: psycopg.Connection[Any], origin: Origin) -> tuple[str, ...]:
    """See to extensions and roles; return the roles that the user may not act for."""
    _demand_extensions(admin, origin)
    closed = _make_roles(admin, origin)
    if origin.user in closed:
        raise _may_not_act(origin.user)
    return closed


def _read(source: psycopg.Connection[Any], role: str) -> Origin:
    named = {"role": role}
    with told("what the live schema stands on cannot be read"):
        user: Any = source.execute("SELECT current_user::text").fetchone()
        roles = source.execute(_ROLES, named).fetchall()
        extensions = source.execute(_EXTENSIONS).fetchall()
        settings = source.execute(SETTINGS, named).fetchall()
    return Origin(
        user=user[0],
        roles=tuple((name, tuple(groups)) for name, groups in roles),
        extensions=tuple(name for (name,) in extensions),
        settings=tuple(one for (one,) in settings),
        server=source.info.server_version // 10000,
    )


def _demand_extensions(admin: psycopg.Connection[Any], origin: Origin) -> None:
    with unusable("the scratch server's extensions cannot be read"):
        there = {name for (name,) in admin.execute(_AVAILABLE)}
    missing = [name for name in origin.extensions if name not in there]
    if missing:
        raise ScratchUnusable(
            f"the scratch server lacks what the live database uses: extension {', '.join(missing)}",
            next_step="Install it on the scratch server, or name another one.",
        )


def _make_roles(admin: psycopg.Connection[Any], origin: Origin) -> tuple[str, ...]:
    """Make the roles that are missing; return those that the user may not act for."""
    new = {name for name, _ in origin.roles if _make_role(admin, name)}
    for name, groups in origin.roles:
        for group in groups if name in new else ():
            # A role of the server's own may not be granted; what that changes is told as a
            # difference between the two schemas.
            _grant(admin, group, sql.Identifier(name))
    user = sql.SQL("CURRENT_USER")
    closed = [name for name, _ in origin.roles if not _acts_for(admin, name)]
    return tuple(name for name in closed if not _grant(admin, name, user))


def _make_role(admin: psycopg.Connection[Any], name: str) -> bool:
    """See to it that a role is there; return whether it was made."""
    with unusable(f"the scratch server has no role {name}, and it cannot be made"):
        if admin.execute(_ROLE_IS_THERE, (name,)).fetchone():
            return False
        # Two runs at once may both make it.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
        return True


def _acts_for(admin: psycopg.Connection[Any], name: str) -> bool:
    needed = _NEEDED_SINCE_16 if admin.info.server_version >= _SET_IS_A_RIGHT else _NEEDED
    with unusable("the scratch server's roles cannot be read"):
        return admin.execute(_ACTS_FOR, (needed, name)).fetchone() == (True,)


def _grant(admin: psycopg.Connection[Any], role: str, to: sql.Composable) -> bool:
    """Make somebody a member of a role; return whether the server lets us."""
    try:
        admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), to))
    except psycopg.Error:
        return False
    return True


def _may_not_act(role: str) -> ScratchUnusable:
    return ScratchUnusable(
        f"the scratch server's user may not act for {role}, whom the migrations run as",
        next_step="Make that user a member of the role, or let it make roles.",
    )


def _quoted(connection: psycopg.Connection[Any], name: str) -> str:
    """Return a name as PostgreSQL itself writes it: quoted only where it must be."""
    row: Any = connection.execute("SELECT quote_ident(%s)", (name,)).fetchone()
    return row[0]


def _fill(copy: psycopg.Connection[Any], origin: Origin, dump: str) -> None:
    """Make everything that the dump says, all of it or nothing."""
    for setting in origin.settings:
        name, _, value = setting.partition("=")
        place = sql.Identifier(copy.info.dbname), sql.Identifier(*name.split("."))
        # Some only a superuser may set; what that changes is told as a difference.
        with suppress(psycopg.Error), copy.transaction():
            # A list of names is one text here; after SET it would be one name.
            copy.execute("SELECT set_config(%s, %s, false)", (name, value))
            copy.execute(sql.SQL("ALTER DATABASE {} SET {} FROM CURRENT").format(*place))
    with unusable("the live schema cannot be made anew on the scratch server"):
        copy.execute(dump.encode())


def _copy_rows(
    source: psycopg.Connection[Any],
    copy: psycopg.Connection[Any],
    tables: tuple[tuple[str, str], ...],
) -> None:
    """Copy the rows of the migrator's own tables, as far as there are such tables."""
    for schema, name in tables:
        table = sql.Identifier(schema, name)
        words = table.as_string(source)
        with unusable(f"the rows of {schema}.{name} cannot be copied"):
            if source.execute(_TABLE_IS_THERE, (words,)).fetchone() != (True,):
                continue
            reading = sql.SQL("COPY {} TO STDOUT").format(table)
            writing = sql.SQL("COPY {} FROM STDIN").format(table)
            with source.cursor().copy(reading) as rows, copy.cursor().copy(writing) as into:
                for row in rows:
                    into.write(row)
            _advance(copy, table, words)


def _advance(copy: psycopg.Connection[Any], table: sql.Identifier, words: str) -> None:
    """Let the table's sequences go on after its greatest numbers."""
    for column, sequence in copy.execute(_SERIALS, {"table": words}).fetchall():
        advance = sql.SQL("SELECT setval({}, max({})) FROM {} HAVING max({}) IS NOT NULL")
        number = sql.Identifier(column)
        copy.execute(advance.format(sql.Literal(sequence), number, table, number))
