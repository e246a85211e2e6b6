"""Runs programs on the worker: no shell, an environment of their own, output as it comes.

A program runs in a process group of its own. Whatever is left of that group when the program has
ended, was stopped or is given up, is killed: nothing that a check started outlives it.
"""

from __future__ import annotations

import codecs
import io
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from rollout.errors import CommandTimedOut
from rollout.executors.masking import masking
from rollout.model.command import Command, Result, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    Log = Callable[[str], None]

# What a child gets of the worker's own environment. Everything else stays here: the worker's
# PREFECT_API_KEY is none of the application's business.
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
NOT_FOUND = 127
NOT_EXECUTABLE = 126
GRACE_S = 5.0
"""How long a program may take to end after SIGTERM before it is killed, in seconds."""
KEPT_CHARACTERS = 8 * 1024 * 1024
"""How much of each stream a result keeps: the end of it."""
_LONGEST_LINE = 64 * 1024
_CHUNK_BYTES = 64 * 1024
# How long streams may stay open after the whole group was killed: something left the group.
_DRAIN_S = 2.0
_RUNNING: set[subprocess.Popen[bytes]] = set()
_OVER = threading.Event()


def inherited_environment() -> dict[str, str]:
    """Return the variables of the worker that any child may see."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def google_environment() -> dict[str, str]:
    """Return the variables of the worker that say who Google's programs are."""
    names = (name for name in os.environ if name.startswith(("CLOUDSDK_", "GOOGLE_")))
    return {name: os.environ[name] for name in names}


def run_local(
    command: Command,
    *,
    cwd: Path,
    env: Mapping[str, str | Secret],
    log: Log,
    keep_open: tuple[int, ...] = (),
) -> Result:
    """Run a program and return what it answered, whatever its exit status is.

    Args:
        command: What to run. A program that does not exist answers 127, as in a shell.
        cwd: The folder where it runs.
        env: Its variables, beside the few of `INHERITED`. Values of `Secret`s are masked in the
            log and in the result.
        log: Called with each line of both streams as it is written.
        keep_open: Open files that the program inherits, such as a lock that must outlive us as
            long as it runs.

    Raises:
        CommandTimedOut: When it did not end within `command.timeout_s`; it was stopped.
    """
    secrets = [value for value in (*env.values(), command.stdin) if isinstance(value, Secret)]
    mask = masking(secrets)
    started = time.monotonic()
    streams = (_Lines(log, mask), _Lines(log, mask))
    try:
        with _started(command, cwd, _whole_environment(env), keep_open) as process:
            in_time = _pump(process, streams, started + command.timeout_s)
            exit_code = process.wait()
    except (FileNotFoundError, PermissionError) as error:
        return _not_started(command, error)
    stdout, stderr = (stream.text() for stream in streams)
    result = Result(command, exit_code, stdout, stderr, time.monotonic() - started)
    if not in_time:
        raise CommandTimedOut(
            f"`{command.argv[0]}` did not end within {command.timeout_s:g} s and was stopped",
            result,
            next_step="Look at its last lines; raise its limit if it only needs longer.",
        )
    return result


def end_all() -> None:
    """End every program that runs here, and each that is started later: the run is over."""
    _OVER.set()
    for process in tuple(_RUNNING):
        _signal_group(process, signal.SIGKILL)


def _whole_environment(env: Mapping[str, str | Secret]) -> dict[str, str]:
    revealed = {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in env.items()
    }
    return {**inherited_environment(), **revealed}


def _not_started(command: Command, error: OSError) -> Result:
    status = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    return Result(command, status, "", f"{error.filename}: {error.strerror}\n", 0.0)


@contextmanager
def _started(
    command: Command, cwd: Path, env: dict[str, str], keep_open: tuple[int, ...]
) -> Generator[subprocess.Popen[bytes]]:
    """Yield the running program; on leaving, its whole group is gone."""
    stdin = command.stdin
    process = subprocess.Popen(
        command.argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=keep_open,
    )
    _RUNNING.add(process)
    try:
        if _OVER.is_set():
            _signal_group(process, signal.SIGKILL)
        if stdin is not None and process.stdin is not None:
            text = stdin.reveal() if isinstance(stdin, Secret) else stdin
            _feed(process.stdin, text.encode())
        yield process
    finally:
        _RUNNING.discard(process)
        _signal_group(process, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _feed(pipe: IO[bytes], content: bytes) -> None:
    """Write in a thread of its own: a program that writes first must not wait for us."""

    def write() -> None:
        with suppress(BrokenPipeError), pipe:
            pipe.write(content)

    threading.Thread(target=write, daemon=True).start()


def _pump(
    process: subprocess.Popen[bytes], streams: tuple[_Lines, _Lines], deadline: float
) -> bool:
    """Hand on output until the program ended; return whether that was before the deadline."""
    with _watching(process, streams) as selector:
        in_time = _read_until_ended(selector, deadline)
        if not in_time:
            # Its last words say where it hung, so they are still read.
            _signal_group(process, signal.SIGTERM)
            _read_until_ended(selector, time.monotonic() + GRACE_S)
        _signal_group(process, signal.SIGKILL)
        _read_rest(selector, time.monotonic() + _DRAIN_S)
    for stream in streams:
        stream.close()
    return in_time


@contextmanager
def _watching(
    process: subprocess.Popen[bytes], streams: tuple[_Lines, _Lines]
) -> Generator[selectors.BaseSelector]:
    """Yield a selector that tells of output, and of the program's end by a key without a sink."""
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            for pipe, sink in zip((process.stdout, process.stderr), streams, strict=True):
                if pipe is not None:
                    selector.register(pipe, selectors.EVENT_READ, sink)
            yield selector
    finally:
        os.close(ended)


def _read_until_ended(selector: selectors.BaseSelector, deadline: float) -> bool:
    while (left_s := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left_s):
            if key.data is None:
                return True
            _read(selector, key)
    return False


def _read_rest(selector: selectors.BaseSelector, deadline: float) -> None:
    """Read what is still in the pipes; only what left the group can keep them open."""
    for key in [key for key in selector.get_map().values() if key.data is None]:
        selector.unregister(key.fileobj)
    while selector.get_map() and (left_s := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left_s):
            _read(selector, key)


def _read(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    chunk = os.read(key.fd, _CHUNK_BYTES)
    key.data.feed(chunk)
    if not chunk:
        selector.unregister(key.fileobj)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the whole group. An ended program is not reaped yet, so its number is still taken."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


class _Lines:
    """Splits one stream into lines, masks them, logs those that say something, keeps the last."""

    def __init__(self, log: Log, mask: Callable[[str], str]) -> None:
        self._log = log
        self._mask = mask
        # A progress bar overwrites its line with carriage returns: each state becomes a line.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._rest = ""
        self._kept: deque[str] = deque()
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take what was read; empty means the end of the stream."""
        self._rest += self._decoder.decode(chunk, final=not chunk)
        *whole, self._rest = self._rest.split("\n")
        for line in whole:
            self._keep(line, "\n")
        if len(self._rest) > _LONGEST_LINE:
            self._flush()

    def close(self) -> None:
        """Take what stands after the last line's end."""
        self._flush()

    def text(self) -> str:
        """Return the kept end of the stream."""
        return "".join(self._kept)

    def _flush(self) -> None:
        if self._rest:
            self._keep(self._rest, "")
            self._rest = ""

    def _keep(self, line: str, end: str) -> None:
        masked = self._mask(line)
        if masked.strip():
            self._log(masked)
        self._kept.append(masked + end)
        self._size += len(masked) + len(end)
        while self._size > KEPT_CHARACTERS:
            self._size -= len(self._kept.popleft())
