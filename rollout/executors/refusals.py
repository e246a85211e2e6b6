"""Asks PostgreSQL why it lets nobody in, as the SQLSTATE that libpq leaves out of its message.

libpq's own trace of the connection names every field of the server's refusal. It lies in memory
for a moment and is read for that one code: it also holds what the login is proved with.

Source: PostgreSQL 18, libpq `PQtrace`, read 2026-11-25.
"""

from __future__ import annotations

import os
import re
import select
import time
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

if TYPE_CHECKING:
    from rollout.model.target import DatabaseAddress

LIMIT_S = 5.0
_CODE = re.compile(r'^B\t\d+\tErrorResponse\t.*? C "([0-9A-Z]{5})"', re.MULTILINE)
_MOST_BYTES = 1024 * 1024


def sqlstate_of_refusal(address: DatabaseAddress, hosts: int = 1) -> str | None:
    """Return the code with which the server refuses a login.

    Args:
        address: Holds the URL.
        hosts: How many it names; each has `LIMIT_S`.

    Returns:
        The SQLSTATE; empty when no server answers in time, or libpq cannot trace; None
        when the login is let in by now.
    """
    connection = pq.PGconn.connect_start(address.url.reveal().encode())
    trace = os.memfd_create("trace")
    try:
        connection.trace(trace)
        connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        _go_on(connection, time.monotonic() + LIMIT_S * hosts)
        connection.untrace()
        if connection.status == pq.ConnStatus.OK:
            return None
        os.lseek(trace, 0, os.SEEK_SET)
        codes = _CODE.findall(os.read(trace, _MOST_BYTES).decode(errors="replace"))
    except (psycopg.Error, OSError):
        return ""
    finally:
        connection.finish()
        os.close(trace)
    return codes[-1] if codes else ""


def _go_on(connection: pq.abc.PGconn, deadline: float) -> None:
    """Let the connection come about or fail."""
    while connection.status != pq.ConnStatus.BAD:
        state = connection.connect_poll()
        reads = [connection.socket] if state == pq.PollingStatus.READING else []
        writes = [connection.socket] if state == pq.PollingStatus.WRITING else []
        left_s = deadline - time.monotonic()
        if not (reads or writes) or left_s <= 0:
            return
        select.select(reads, writes, [], left_s)
