"""Connects to PostgreSQL, and says in our words what keeps a connection from being of use."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rollout.errors import ConfigInvalid, DatabaseError, DatabaseUnreachable
from rollout.executors.masking import masking
from rollout.executors.refusals import sqlstate_of_refusal
from rollout.executors.tcp import accepts

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.model.target import DatabaseAddress

# What the server says when it hangs up: connection exceptions, shutdown by an administrator, and a
# transaction that was idle for too long.
_CUT_STATES = ("08", "57P", "25P03")
_NOT_YET = "57P03"
UNKNOWN = "Whether the last migration was applied is not known; the database knows."
"""What is left when the end of a session was seen, and the end of its last statement was not."""
_HOSTS = re.compile(r"[A-Za-z0-9._:,/-]+")
_PORTS = re.compile(r"[0-9,]+")
_DEFAULT_PORT = "5432"
_SETTINGS: dict[str, Any] = {
    "application_name": "trovella-deploy",
    "client_encoding": "UTF8",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # What was sent and is not acknowledged keeps the system from asking whether anybody is there.
    "tcp_user_timeout": 25_000,
}


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says beside the password; fit for messages.

    Attributes:
        host: Name, address, or the folder of a socket; several are separated by commas.
        ports: Port, or as many as there are hosts.
        user: The login.
        database: The database's name.
    """

    host: str
    ports: str
    user: str
    database: str

    @property
    def port(self) -> int:
        """Return the TCP port; 0 where there is not exactly one."""
        return int(self.ports) if self.ports.isdigit() else 0

    @property
    def hosts(self) -> int:
        """Return how many hosts are tried one after the other."""
        return self.host.count(",") + 1

    @property
    def can_be_dialled(self) -> bool:
        """Return whether it names one TCP port: no socket's folder, no list of hosts."""
        return not self.host.startswith("/") and "," not in self.host and self.port > 0

    def __str__(self) -> str:
        return f"database {self.database} on {self.host}:{self.ports}"


def read_place(address: DatabaseAddress) -> Place:
    """Return where a URL points.

    Raises:
        ConfigInvalid: When it is none; no part of it is repeated.
    """
    invalid = ConfigInvalid(
        "database URL",
        "is none that PostgreSQL's own library reads; it should be "
        "postgresql://user:password@host:port/database, with libpq's parameters only and "
        "special characters of the password percent-encoded",
    )
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(address.url.reveal()))
    except psycopg.Error:
        # What libpq says of a broken URL repeats a part of it, which may be the password.
        raise invalid from None
    user = str(parts.get("user") or "")
    place = Place(
        host=str(parts.get("host") or "localhost"),
        ports=str(parts.get("port") or _DEFAULT_PORT),
        user=user,
        database=str(parts.get("dbname") or user),
    )
    # An `@` in a password that is not encoded makes the rest of it a part of the host.
    if not _HOSTS.fullmatch(place.host) or not _PORTS.fullmatch(place.ports):
        raise invalid
    return place


def connect(address: DatabaseAddress, place: Place) -> psycopg.Connection[Any]:
    """Return a connection in autocommit mode.

    libpq hands on no SQLSTATE of a login that is refused; it is asked for with a second try, which
    is watched.

    Args:
        address: Holds the URL.
        place: What the URL says.

    Raises:
        DatabaseUnreachable: When nobody answers there, the server is not ready for anybody, or what
            it refused for is over by the second try.
        DatabaseError: With the server's own words and its SQLSTATE, when it does not let us in.
    """
    if place.can_be_dialled and not accepts(place.host, place.port):
        raise DatabaseUnreachable(
            f"the {place} cannot be reached: nobody answers there",
            next_step="Check that it runs and that the worker may reach it, then retry.",
        )
    try:
        return psycopg.connect(
            address.url.reveal(), autocommit=True, prepare_threshold=None, **_SETTINGS
        )
    except psycopg.errors.ConnectionTimeout:
        raise DatabaseUnreachable(
            f"the {place} cannot be reached: it did not answer in time",
            next_step="Check that it runs and that the worker may reach it, then retry.",
        ) from None
    except psycopg.Error as error:
        words = masking([address.url])(str(error)).strip().rpartition("failed: ")[2]
        raise _refused(place, words, sqlstate_of_refusal(address, place.hosts)) from None


def _refused(place: Place, words: str, sqlstate: str | None) -> DatabaseError:
    """Return what a refusal means, by the code of the second try; None when that one was let in."""
    if sqlstate is None:
        return DatabaseUnreachable(
            f"the {place} did not let {place.user} in, and a moment later it did: {words}",
            next_step="Retry; the server's own log says what was in the way.",
        )
    if sqlstate == _NOT_YET:
        refused: DatabaseError = DatabaseUnreachable(
            f"the {place} cannot be reached: its server starts, recovers or shuts down",
            next_step="Retry when it has started; its own log says what it waits for.",
        )
    else:
        refused = DatabaseError(
            f"the {place} does not let {place.user} in: {words}",
            next_step="Correct the URL in Secret Manager, or what the server allows this user.",
        )
    refused.sqlstate = sqlstate
    return refused


def notice_silence() -> bytes:
    """Return SQL that lets the server end a session whose worker is silent as soon as we would.

    By itself it takes two hours, or a quarter of one, and the session's locks are held so long.
    """
    names = ("keepalives_idle", "keepalives_interval", "keepalives_count")
    settings = {f"tcp_{name}": _SETTINGS[name] for name in names}
    settings["tcp_user_timeout"] = _SETTINGS["tcp_user_timeout"]
    return "; ".join(f"SET {name} = {value}" for name, value in settings.items()).encode()


@contextmanager
def told(what: str) -> Generator[None]:
    """Turn what the server refuses outside a migration into our own errors.

    Args:
        what: What fails then, as a lower-case fragment.

    Raises:
        DatabaseUnreachable: When the connection was cut.
        DatabaseError: When the server refuses.
    """
    try:
        yield
    except psycopg.Error as error:
        if is_cut(error):
            raise cut(what) from error
        refused = DatabaseError(
            f"{what}: {error.diag.message_primary} (SQLSTATE {error.sqlstate})",
            next_step="Check what the user of the database's URL may do.",
        )
        refused.sqlstate = error.sqlstate or ""
        raise refused from error


def is_cut(error: psycopg.Error) -> bool:
    """Return whether an error means that there is no connection any more."""
    return error.sqlstate is None or error.sqlstate.startswith(_CUT_STATES)


def cut(what: str) -> DatabaseUnreachable:
    """Return the error for a connection that was cut while something was done."""
    return DatabaseUnreachable(
        f"{what}: the connection was cut",
        left=UNKNOWN,
        next_step="Retry: what the database holds is read again first.",
    )
