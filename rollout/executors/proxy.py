"""Runs the program that a database is reached through, for as long as anybody here needs it.

Sessions of one run share it: its port has room for one, and its start is what costs. It ends with
the last of them, and with this process however that ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import httpx

from rollout.commands.child import ending_with_us
from rollout.commands.cloud_sql import KEY_VARIABLE
from rollout.errors import DatabaseError, DatabaseProxyRefused, DatabaseUnreachable
from rollout.executors.process import google_environment, inherited_environment
from rollout.executors.tcp import accepts, wait_until
from rollout.model.cloud_sql import judge_proxy

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log
    from rollout.model.target import DatabaseAddress

READY_TIMEOUT_S = 30.0
_ASK_TIMEOUT_S = 1.0
_STOP_TIMEOUT_S = 5.0
_LAST_LINES = 15


@dataclass(slots=True)
class _Running:
    """A proxy that runs.

    Attributes:
        process: The program, within what ends it.
        reader: Reads what it writes, and ends with it.
        last: Its last lines.
        users: How many use it.
    """

    process: subprocess.Popen[str]
    reader: threading.Thread
    last: deque[str]
    users: int = field(default=0)

    @property
    def ended(self) -> bool:
        """Return whether it ended by itself."""
        return self.process.poll() is not None


_SHARED: dict[tuple[str, ...], _Running] = {}
_CHANGING = threading.Lock()


@contextmanager
def proxy(address: DatabaseAddress, host: str, port: int, log: Log) -> Generator[None]:
    """Hold an address' proxy running; it has ended when the last such block is left.

    Args:
        address: Names the program; one without needs no proxy.
        host: Where it will listen.
        port: The TCP port there.
        log: Called with each line that it writes; one that runs already goes on with its own.

    Raises:
        DatabaseProxyRefused: When Google does not let it through.
        DatabaseUnreachable: When it cannot be started, ends, or is not ready in time; with its
            last lines.
    """
    words = address.proxy_command
    if not words:
        yield
        return
    with _CHANGING:
        running = _SHARED.get(words)
        if running is None or running.ended:
            running = _SHARED[words] = _ready(address, host, port, log)
        running.users += 1
    try:
        yield
    finally:
        with _CHANGING:
            running.users -= 1
            if not running.users:
                if _SHARED.get(words) is running:
                    del _SHARED[words]
                _stop(running)


def _ready(address: DatabaseAddress, host: str, port: int, log: Log) -> _Running:
    """Return the proxy, started, once it leads to the database."""
    running = _start(address, log)

    def leads() -> bool:
        return _says_ready(address.proxy_ready) if address.proxy_ready else accepts(host, port)

    try:
        is_ready = wait_until(leads, READY_TIMEOUT_S, lambda: not running.ended)
    except BaseException:
        _stop(running)
        raise
    if is_ready:
        return running
    _stop(running)
    raise _not_ready(address.proxy_command[0], running)


def _start(address: DatabaseAddress, log: Log) -> _Running:
    words = address.proxy_command
    environment = inherited_environment() | google_environment()
    if address.proxy_key is not None:
        environment[KEY_VARIABLE] = address.proxy_key.reveal()
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        raise DatabaseUnreachable(
            f"the database's proxy {words[0]} cannot be started: there is no such program",
            next_step="Install it on the worker, or correct the database's block.",
        )
    process = subprocess.Popen(
        ending_with_us(words),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    last: deque[str] = deque(maxlen=_LAST_LINES)
    # A log of Prefect's is one of the run that this context belongs to.
    within, given = copy_context().run, (_read, process.stdout, log, last)
    reader = threading.Thread(target=within, args=given, daemon=True)
    reader.start()
    return _Running(process, reader, last)


def _read(stream: IO[str] | None, log: Log, last: deque[str]) -> None:
    for line in stream or ():
        last.append(line.rstrip())
        log(f"proxy | {line.rstrip()}")


def _says_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=_ASK_TIMEOUT_S, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _stop(running: _Running) -> None:
    """Let the program end by the end of its input; what is left of its group is killed."""
    process = running.process
    if process.stdin is not None:
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    running.reader.join(_STOP_TIMEOUT_S)
    if process.stdout is not None:
        process.stdout.close()


def _not_ready(name: str, running: _Running) -> DatabaseError:
    told = "\n".join(f"  {line}" for line in running.last) or "  nothing written"
    refused = judge_proxy(told) != "unknown"
    return (DatabaseProxyRefused if refused else DatabaseUnreachable)(
        f"the database's proxy {name} is not ready (status {running.process.returncode})\n{told}",
        next_step="Correct what its last lines name, then retry.",
    )
