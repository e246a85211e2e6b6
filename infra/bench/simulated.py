"""A host without SSH: the real one's batches, fences, lease and errors, and a machine behind them.

Its delays are slept. The processor time that the machine behind it takes is not the orchestrator's,
so it is counted, and taken off what the process used.
"""

from __future__ import annotations

import threading
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from infra.bench.delays import COMMANDS_S, CONNECT_S, LEASE_S
from rollout.commands.batch import NOTHING
from rollout.executors.host import Host
from rollout.executors.stream import Stream
from rollout.model.command import Result, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from infra.bench.machine import Machine
    from rollout.model.command import Command
    from rollout.model.target import HostAddress

_FENCED = "only while this run holds the lease"
_OF_FENCE = 6
"""How many words stand before those of a fenced command."""
_BATCH = "carry out a plan, one command after the other"
_LEASE = "hold the lease for as long as its owner is heard"
_PROGRAM_WORDS = {"docker": 2, "true": 1, "rm": 1}


class OwnTime:
    """The processor time that the simulation took for itself, in seconds, of all threads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count what the block takes of its thread."""
        began = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.seconds += time.thread_time() - began


OWN = OwnTime()


class SimulatedHost(Host):
    """A host whose commands go to a machine that is not there."""

    def __init__(self, address: HostAddress, machine: Machine, log: Callable[[str], None]) -> None:
        super().__init__(address, log)
        self._machine = machine

    def stream(self, command: Command) -> Stream:
        """Start a program that is talked to while it runs."""
        self._open()
        self.round_trips += 1
        with OWN.counted():
            words = _own_words(command.argv)
            kind = kind_of(words)
        if kind == _LEASE:
            return Stream(_Channel(_lease()))
        if kind != _BATCH:
            raise ValueError(f"no program of the simulation: {kind}")
        return Stream(_Channel(_batch(self._machine), waits=True))

    def _run(self, command: Command) -> Result:
        self._open()
        self.round_trips += 1
        words = self.fence.guard(command) if self.fence and command.changes else command.argv
        began = time.monotonic()
        stdin = command.stdin
        text = stdin.reveal() if isinstance(stdin, Secret) else stdin or ""
        status, stdout = _carried_out(self._machine, words, text)
        return Result(command, status, stdout, "", time.monotonic() - began)

    def _open(self) -> Any:
        with self._opening:
            if self._connection is None:
                time.sleep(CONNECT_S)
                self._connection = _Connection()
            return self._connection


class _Connection:
    """What a host has once it was reached."""

    def close(self) -> None:
        """Have nothing to close."""


class _Channel:
    """The channel of a program, as `Stream` talks to it.

    Args:
        program: Told what was written until the input's end, where it waits for that; yields what
            it writes, and None where it has nothing to say until its input ends.
        waits: Whether it waits for its whole input.
    """

    def __init__(self, program: Generator[str | None, str], *, waits: bool = False) -> None:
        self.status_event = threading.Event()
        self.exit_status = -1
        self._program: Iterator[str | None] = program
        self._start = program.send
        self._waits = waits
        self._input: list[str] = []
        self._ended = threading.Event()
        self._timeout_s = 0.0
        next(program)

    def settimeout(self, seconds: float) -> None:
        """Set how long `recv` waits."""
        self._timeout_s = seconds

    def sendall(self, text: bytes) -> None:
        """Take input."""
        if self._waits:
            self._input.append(text.decode())

    def shutdown_write(self) -> None:
        """Take the input's end; a program that does not wait for it ends there."""
        self._ended.set()
        if not self._waits:
            self._end()

    def recv(self, _size: int) -> bytes:
        """Return what the program writes; nothing when it has ended.

        Raises:
            TimeoutError: When it wrote nothing in time.
        """
        if self.status_event.is_set():
            return b""
        said = self._next()
        if said is not None:
            return said.encode()
        if not self._ended.wait(self._timeout_s):
            raise TimeoutError
        self._end()
        return b""

    def _end(self) -> None:
        self.exit_status = 0
        self.status_event.set()

    def _next(self) -> str | None:
        if self._waits:
            self._waits = False
            return self._start("".join(self._input))
        return next(self._program, None)


def kind_of(words: tuple[str, ...]) -> str:
    r"""Return what a command is known by: the first line of its script, or its program.

    Example:
        >>> kind_of(("sh", "-euc", "# append to the ledger\numask 077", "sh"))
        'append to the ledger'
        >>> kind_of(("docker", "compose", "--project-name", "app", "up", "--detach", "web-r2"))
        'docker compose up'
        >>> kind_of(("docker", "stop", "web-r1-1"))
        'docker stop'
    """
    if words[0] in ("sh", "bash"):
        return words[2].partition("\n")[0].removeprefix("# ")
    if words[:2] == ("docker", "compose"):
        return "docker compose up" if "up" in words else "docker compose"
    return " ".join(words[: _PROGRAM_WORDS.get(words[0], 1)])


def _own_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a command without those of the fence before it."""
    is_fenced = len(words) > _OF_FENCE and kind_of(words) == _FENCED
    return words[_OF_FENCE:] if is_fenced else words


def _carried_out(machine: Machine, words: tuple[str, ...], stdin: str) -> tuple[int, str]:
    with OWN.counted():
        own = _own_words(words)
        kind = kind_of(own)
    time.sleep(COMMANDS_S.get(kind, 0.0))
    with OWN.counted():
        status, stdout = machine.answer(kind, own, stdin)
        return status, stdout.replace("clock {clock}", f"clock {time.time()}")


def _lease() -> Generator[str | None, str]:
    yield None
    time.sleep(LEASE_S)
    yield "held\n"


def _batch(machine: Machine) -> Generator[str | None, str]:
    text = yield None
    for number, line in enumerate(text.splitlines()):
        yield f"begin {number}\n"
        with OWN.counted():
            _limit, needed, packed, stdin = line.split(" ")
            words = tuple(b64decode(packed).decode().split("\0")[:-1])
            given = "" if stdin == NOTHING else b64decode(stdin).decode()
        began = time.monotonic()
        status, stdout = _carried_out(machine, words, given)
        took = int((time.monotonic() - began) * 1e6)
        out = b64encode(stdout.encode()).decode() or NOTHING
        yield f"end {number} {status} {took} {out} {NOTHING}\n"
        if status and needed == "1":
            return
