"""Says in the log who keeps a migration waiting, while it waits."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from rollout.migrations.statements import without_literals

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log

ASK_EVERY_S = 0.1
SHOWN_CHARACTERS = 100
_ASK = (
    "SELECT a.pid, a.application_name, a.state, "
    "extract(epoch FROM clock_timestamp() - a.xact_start)::float8, a.query "
    "FROM unnest(pg_blocking_pids(%s)) AS blocking(pid) JOIN pg_stat_activity a USING (pid)"
)


@contextmanager
def watched(observer: psycopg.Connection[Any], pid: int, what: str, log: Log) -> Generator[None]:
    """Log who blocks a session, once for each blocker and state, while the block lasts.

    Queries are shown without literals and comments: what others send may hold anything.

    Args:
        observer: A second connection, used by nobody else meanwhile.
        pid: The server's process that may have to wait.
        what: What it does.
        log: Called from another thread.
    """
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(observer, pid, what, log, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(
    observer: psycopg.Connection[Any], pid: int, what: str, log: Log, over: threading.Event
) -> None:
    told: set[tuple[int, str]] = set()
    while not over.wait(ASK_EVERY_S):
        try:
            blockers = observer.execute(_ASK, (pid,)).fetchall()
        except psycopg.Error as error:
            log(f"{what}: who blocks cannot be asked any more ({type(error).__name__})")
            return
        for blocker, name, state, age_s, query in blockers:
            if (blocker, state) not in told:
                told.add((blocker, state))
                shown = without_literals(query or "")[:SHOWN_CHARACTERS]
                age = f" for {age_s:.1f} s" if age_s is not None else ""
                log(
                    f"{what} waits for process {blocker} ({name or 'no name'}, "
                    f"{state or 'state unknown'}, in a transaction{age}): {shown}"
                )
