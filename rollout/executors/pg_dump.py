r"""Writes a database's schema as SQL, with PostgreSQL's own `pg_dump`.

It must be at least as new as the server. What it writes is for `psql`; what only that understands
is taken out again, so that the text can be sent over a connection.

Source: PostgreSQL 18, pg_dump; `\restrict` came with 17.6 and 15.14; read 2026-11-25.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rollout.errors import CommandTimedOut, NoPgDump, ScratchUnusable
from rollout.executors.process import run_local
from rollout.model.command import Command, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.target import DatabaseAddress

TIMEOUT_S = 120.0
"""How long a dump may take, in seconds."""
LOCK_TIMEOUT_MS = 5000
"""How long it waits for a table that somebody has locked, in milliseconds."""
_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"(\d+)(?:\.\d+|devel|beta\d+|rc\d+)")
_FOR_PSQL = re.compile(r"^\\(?:un)?restrict \w+\n", re.MULTILINE)
# Servers before 17 have no such setting, and a dump's own session needs none.
_NEWER_SETTING = re.compile(r"^SET transaction_timeout = 0;\n", re.MULTILINE)


def dump_schema(address: DatabaseAddress, server: int) -> str:
    """Return the statements that make a database's schema anew, with owners and grants.

    Comments, publications, subscriptions and security labels are left out: no code can tell.

    Args:
        address: The database; its proxy runs already, where it has one.
        server: Its server's major version.

    Raises:
        NoPgDump: When there is no `pg_dump` that is new enough.
        ScratchUnusable: When it fails.
    """
    words: dict[str, Any] = dict(conninfo_to_dict(address.url.reveal()))
    password = Secret(str(words.pop("password", "")))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schema.sql"
        command = Command(
            (
                find_pg_dump(server),
                f"--dbname={make_conninfo(**words)}",
                f"--file={file}",
                "--schema-only",
                "--encoding=UTF8",
                f"--lock-wait-timeout={LOCK_TIMEOUT_MS}",
                "--no-comments",
                "--no-publications",
                "--no-security-labels",
                "--no-subscriptions",
                "--no-tablespaces",
                "--no-password",
            ),
            timeout_s=TIMEOUT_S,
            changes=False,
        )
        try:
            # A password on the command line would stand in every list of processes.
            env = {"PGPASSWORD": password}
            result = run_local(command, cwd=Path(folder), env=env, log=_unheard)
        except CommandTimedOut as error:
            raise ScratchUnusable(
                f"the live schema could not be written out within {TIMEOUT_S:.0f} s",
                next_step="See what keeps the live server busy, then retry.",
            ) from error
        if not result.ok:
            raise ScratchUnusable(
                f"the live schema could not be written out: {result.tail(3, 'stderr')}",
                next_step="See that the URL's user may read every table, then retry.",
            )
        return for_a_connection(file.read_text(encoding="utf-8"))


def for_a_connection(dump: str) -> str:
    r"""Return a dump without what only `psql` or a newer server understands.

    Example:
        >>> for_a_connection("\\restrict x1\nSELECT 1;\n\\unrestrict x1\n")
        'SELECT 1;\n'
    """
    first, *others = _FOR_PSQL.findall(dump) or [""]
    text = dump.replace(first, "", 1) if first else dump
    if others:
        before, _, after = text.rpartition(others[-1])
        text = before + after
    return _NEWER_SETTING.sub("", text, count=1)


def without_role(dump: str, quoted: str) -> str:
    r"""Return a dump in which a role owns nothing: its objects belong to whoever sends the text.

    Args:
        dump: What `dump_schema` returned.
        quoted: The role, quoted where SQL needs it.

    Example:
        >>> without_role("ALTER TABLE a.b OWNER TO me;\nALTER TABLE a.c OWNER TO you;\n", "me")
        'ALTER TABLE a.c OWNER TO you;\n'
    """
    name = re.escape(quoted)
    owns = rf"ALTER .* OWNER TO {name};|ALTER DEFAULT PRIVILEGES FOR ROLE {name} .*;"
    return re.sub(rf"^(?:{owns})\n", "", dump, flags=re.MULTILINE)


def find_pg_dump(server: int) -> str:
    """Return the path of a `pg_dump` that can read a server: on PATH first, then Debian's folders.

    Args:
        server: The server's major version.

    Raises:
        NoPgDump: When there is none, or none that is new enough.
    """
    seen: list[str] = []
    for path in _candidates():
        version = _version(path)
        if version >= server:
            return str(path)
        seen.append(f"{path} is {version}")
    told = f"only older ones are here: {', '.join(seen)}" if seen else "none is here"
    raise NoPgDump(
        f"no pg_dump can read a server of PostgreSQL {server}; {told}",
        next_step=f"Install postgresql-client-{server} or newer where the worker runs.",
    )


def _candidates() -> Iterator[Path]:
    on_path = (Path(folder) / "pg_dump" for folder in os.get_exec_path() if folder)
    debian = sorted(_DEBIAN.glob("*/bin/pg_dump"), key=lambda one: one.parts, reverse=True)
    for path in (*on_path, *debian):
        if os.access(path, os.X_OK):
            yield path


def _version(path: Path) -> int:
    """Return a program's major version; 0 when it says none."""
    command = Command((str(path), "--version"), changes=False)
    result = run_local(command, cwd=Path("/"), env={}, log=_unheard)
    found = _VERSION.search(result.stdout)
    return int(found[1]) if result.ok and found else 0


def _unheard(_: str) -> None:
    """Hear nothing: what it says is in the result."""
