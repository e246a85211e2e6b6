"""A host over SSH: one connection, its key pinned, a cut noticed within seconds.

Commands are bounded twice. On the host by `timeout`, so that one whose connection was cut does not
go on for ever; and here, for when the host itself is gone.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from rollout.commands.batch import Ended, batch_command, parse_said
from rollout.commands.lease import UNHELD
from rollout.errors import (
    CommandFailed,
    CommandTimedOut,
    HostError,
    HostUnreachable,
    OutcomeUnknown,
)
from rollout.executors.ssh import CONNECT_TIMEOUT_S, CUT, SessionCut, open_connection, run_line
from rollout.executors.stream import LOOK_AGAIN, Stream
from rollout.model.command import Command, Result, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from rollout.commands.batch import Begun
    from rollout.model.plan import Step
    from rollout.model.target import HostAddress

# `timeout` ends a command with this status; it sends KILL when TERM did not help.
TIMED_OUT = 124
KILLED = 137
KILL_AFTER_S = 5
# How much longer than the host we wait ourselves, in seconds.
MARGIN_S = 20.0
STATUS_TIMEOUT_S = 5.0


class Fence(Protocol):
    """What guards a host's changing commands: the lease of a run."""

    @property
    def folder(self) -> str:
        """Return where the lease lies on the host."""
        ...

    def guard(self, command: Command) -> tuple[str, ...]:
        """Return the words that run a command only while the lease is held."""
        ...

    def regained(self, exit_code: int) -> bool:
        """Return whether a command that was not run for want of the lease may be run now.

        Raises:
            LeaseLost: When the lease is somebody else's.
        """
        ...


class Host:
    """A host's one connection, opened when it is first needed; a context manager.

    Threads may share it: each command has a channel of its own.

    Args:
        address: Where it is, and the key that it must show.
        log: Called with what happens, a line at a time; secrets never reach it.

    Attributes:
        round_trips: How many commands were run on it so far.
        fence: What guards changing commands; None lets them run unguarded.
    """

    def __init__(self, address: HostAddress, log: Callable[[str], None] = lambda _: None) -> None:
        self.address = address
        self.log = log
        self.round_trips = 0
        self.fence: Fence | None = None
        self._connection: Any = None
        self._opening = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, command: Command) -> Result:
        """Run a command and return what it answered, whatever its exit status is.

        A command that changes nothing is repeated once when the connection was cut. One that
        changes something is run only while the fence lets it.

        Raises:
            LeaseLost: When the fence does not let it; the command was not run.
            HostUnreachable: When no session came about; the command was not run.
            HostKeyChanged: When the host shows another key than the pinned one.
            OutcomeUnknown: When the connection was cut; the command may go on.
            CommandTimedOut: When it was stopped because it took longer than its limit.
        """
        result = self._run_again(command)
        fence = self.fence if command.changes else None
        while fence is not None and fence.regained(result.exit_code):
            result = self._run_again(command)
        return result

    def _run_again(self, command: Command) -> Result:
        was_open = self._connection is not None
        try:
            return self._run(command)
        except HostUnreachable:
            # An idle connection may be dead without anybody knowing: then no session comes about
            # on it, and nothing was run.
            self.close()
            if not was_open:
                raise
        except OutcomeUnknown:
            self.close()
            if command.changes:
                raise
        return self._run(command)

    def check(
        self,
        command: Command,
        what: str,
        *,
        left: str = "Nothing was changed.",
        next_step: str = "",
    ) -> Result:
        """Run a command that must end with status zero.

        Args:
            command: What to run.
            what: What failed if it does, as a lower-case fragment.
            left: What state that leaves.
            next_step: What to do then; empty advises to read the output.

        Raises:
            CommandFailed: When it ended with another status; shows its last lines.
            HostError: As `run`.
        """
        result = self.run(command)
        if result.ok:
            return result
        raise CommandFailed(
            ": ".join(filter(None, (what, result.meaning))),
            result,
            left=left,
            next_step=next_step or "Read the output above and see to its cause.",
        )

    def run_all(self, steps: Sequence[Step]) -> Iterator[Begun | Ended]:
        """Run the commands of steps in order, in one round trip, and tell what happens meanwhile.

        A command that fails ends the rest, unless its step is best-effort. One that takes longer
        than its limit is stopped and has failed.

        Raises:
            LeaseLost: When the fence does not let one run; neither it nor the rest was run.
            HostUnreachable: When no session came about; nothing was run.
            OutcomeUnknown: When the connection was cut; what was under way may go on.
        """
        done = 0
        while done < len(steps):
            rest = steps[done:]
            stream = self._start(rest)
            ended = 0
            while ended < len(rest):
                line = self._line(stream, rest[ended].command)
                if line is None:
                    break
                said = parse_said(line, rest)
                yield replace(said, number=done + said.number)
                if isinstance(said, Ended):
                    ended += 1
                    if not (said.result.ok or rest[said.number].best_effort):
                        return
            done += ended

    def reconnect(self) -> None:
        """Begin a new session with the next command, for instance to get new groups."""
        self.close()

    def stream(self, command: Command) -> Stream:
        """Start a program that is talked to while it runs.

        Raises:
            HostUnreachable: When no session came about; the program was not started.
            HostKeyChanged: When the host shows another key than the pinned one.
        """
        connection = self._open()
        self.round_trips += 1
        try:
            channel = connection.transport.open_session(timeout=CONNECT_TIMEOUT_S)
            channel.exec_command(_bounded(command.argv, command.timeout_s))
        except CUT as error:
            raise self._cut(command, started=False) from error
        return Stream(channel)

    def close(self) -> None:
        """End the connection, if there is one."""
        with self._opening:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _start(self, steps: Sequence[Step]) -> Stream:
        """Start the program that carries out steps."""
        fence = self.fence
        command = batch_command(steps, fence.folder if fence else "", UNHELD)
        words = fence.guard(command) if fence else command.argv
        try:
            stream = self.stream(replace(command, argv=words))
        except HostUnreachable:
            # An idle connection may be dead without anybody knowing.
            self.close()
            stream = self.stream(replace(command, argv=words))
        # A program that was not let run has ended already; its exit status says why.
        with suppress(OutcomeUnknown):
            stream.write(_text(command))
        stream.end()
        return stream

    def _line(self, stream: Stream, command: Command) -> str | None:
        """Return what the program says next; None when it stopped for want of the lease."""
        try:
            line = stream.read_line(command.timeout_s + MARGIN_S)
        except OutcomeUnknown as error:
            fence, status = self.fence, stream.exit_code(STATUS_TIMEOUT_S)
            if status is not None and fence is not None and fence.regained(status):
                return None
            self.close()
            raise self._cut(command, started=True) from error
        if line is None:
            self.close()
            raise self._cut(command, started=True)
        return line

    def _run(self, command: Command) -> Result:
        connection = self._open()
        fence = self.fence if command.changes else None
        words = command.argv if fence is None else fence.guard(command)
        self.round_trips += 1
        began = time.monotonic()
        try:
            exit_code, stdout, stderr = run_line(
                connection,
                _bounded(words, command.timeout_s),
                _text(command),
                command.timeout_s + MARGIN_S,
            )
        except SessionCut as error:
            raise self._cut(command, started=error.started) from error.__cause__
        return self._judged(Result(command, exit_code, stdout, stderr, time.monotonic() - began))

    def _judged(self, result: Result) -> Result:
        """Return a result whose exit status is the program's own; raise for any other."""
        command = result.command
        if result.exit_code == -1:
            raise self._cut(command, started=True)
        took_all = result.duration_s >= command.timeout_s
        if result.exit_code in (TIMED_OUT, KILLED) and took_all:
            raise CommandTimedOut(
                f"`{command.argv[0]}` did not end within {command.timeout_s:g} s and was stopped",
                result,
                next_step="See what the host is busy with, then start the run again.",
            )
        return result

    def _cut(self, command: Command, *, started: bool) -> HostError:
        host = self.address.host
        if not started:
            return HostUnreachable(
                f"{host} opened no session for `{command.display()}`",
                left="The command was not run.",
                next_step=LOOK_AGAIN,
            )
        return OutcomeUnknown(
            f"the connection to {host} was cut while `{command.display()}` ran",
            left="The command may have been done, or not, or may still go on.",
            next_step=LOOK_AGAIN,
        )

    def _open(self) -> Any:
        with self._opening:
            if self._connection is None:
                self._connection = open_connection(self.address)
            return self._connection


def _bounded(words: tuple[str, ...], timeout_s: float) -> str:
    """Return the line that runs a program for no longer than its limit."""
    bound = ("timeout", f"--kill-after={KILL_AFTER_S}", f"{timeout_s:g}")
    return Command((*bound, *words)).shell()


def _text(command: Command) -> str:
    stdin = command.stdin
    return stdin.reveal() if isinstance(stdin, Secret) else stdin or ""
