"""Runs the program that a database is reached through, for as long as it is needed."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import deque
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from rollout.errors import DatabaseUnreachable
from rollout.executors.process import inherited_environment
from rollout.executors.tcp import accepts, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log

READY_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0
_LAST_LINES = 15


@contextmanager
def proxy(words: tuple[str, ...], host: str, port: int, log: Log) -> Generator[None]:
    """Hold a proxy running; it has ended when the block is left.

    Args:
        words: The program and its arguments; none means that no proxy is needed.
        host: Where it will listen.
        port: The TCP port there.
        log: Called with each line that it writes.

    Raises:
        DatabaseUnreachable: When it cannot be started, ends, or does not listen in time; with its
            last lines.
    """
    if not words:
        yield
        return
    last: deque[str] = deque(maxlen=_LAST_LINES)
    process = _start(words)
    reader = threading.Thread(target=_read, args=(process.stdout, log, last), daemon=True)
    reader.start()
    try:
        listens = wait_until(
            lambda: accepts(host, port), READY_TIMEOUT_S, lambda: process.poll() is None
        )
        if not listens:
            _stop(process)
            reader.join(_STOP_TIMEOUT_S)
            raise _not_listening(words[0], process.returncode, last)
        yield
    finally:
        _stop(process)
        reader.join(_STOP_TIMEOUT_S)


def _start(words: tuple[str, ...]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            env=inherited_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise DatabaseUnreachable(
            f"the database's proxy {words[0]} cannot be started: {error.strerror}",
            next_step="Install it on the worker, or correct the database's block.",
        ) from error


def _read(stream: IO[str] | None, log: Log, last: deque[str]) -> None:
    for line in stream or ():
        log(f"proxy | {line.rstrip()}")
        last.append(line.rstrip())


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _not_listening(name: str, status: int, last: deque[str]) -> DatabaseUnreachable:
    told = "\n".join(f"  {line}" for line in last) or "  nothing written"
    return DatabaseUnreachable(
        f"the database's proxy {name} does not listen (status {status})\n{told}",
        next_step="Correct what its last lines name, then retry.",
    )
