"""Refuses connections that do not keep one session: those through a pooler of transactions.

Through one, the right to migrate belongs to whoever comes next, and what a migration sets leaks to
other clients. Whether a connection is one is seen from the server's process behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.errors import DatabaseError

if TYPE_CHECKING:
    import psycopg

_PID = b"SELECT pg_backend_pid()"


def demand_own_session(connection: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> int:
    """Return the number of the server's process behind a connection.

    Args:
        connection: In autocommit mode, outside of any transaction.
        other: A second one to the same address, used to take a pooler's session away from it.

    Raises:
        DatabaseError: When the process changes, or both connections have the same one.
    """
    first = backend_pid(connection)
    # While a transaction is open, a pooler can give its process to nobody else.
    with other.transaction():
        seconds = backend_pid(other)
        again = backend_pid(connection) if seconds != first else first
    if seconds == first or again != first:
        raise pooled()
    return first


def backend_pid(connection: psycopg.Connection[Any]) -> int:
    """Return the number of the server's process that answers."""
    row: Any = connection.execute(_PID).fetchone()
    return int(row[0])


def pooled() -> DatabaseError:
    """Return the error for a connection whose session changes under it."""
    return DatabaseError(
        "the connection has no session of its own: a pooler of transactions stands between",
        next_step="Name the database's direct address in its block (`host` and `port`), not the "
        "pooler's; the Cloud SQL Auth Proxy is none, managed connection pooling is one.",
    )
