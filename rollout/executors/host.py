"""A host over SSH: one connection, its key pinned, a cut noticed within seconds.

This is the only file that may cast: Fabric and Invoke are untyped. Commands are bounded twice. On
the host by `timeout`, so that one whose connection was cut does not go on for ever; and here, for
when the host itself is gone.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from base64 import b64decode
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

import paramiko
from fabric import Config, Connection  # pyright: ignore[reportMissingTypeStubs]
from fabric.runners import Remote  # pyright: ignore[reportMissingTypeStubs]
from invoke.exceptions import CommandTimedOut as InvokeTimedOut
from invoke.exceptions import ThreadException
from paramiko.pkey import UnknownKeyType

from rollout.commands.batch import Ended, batch_command, parse_said
from rollout.commands.lease import UNHELD
from rollout.errors import (
    CommandFailed,
    CommandTimedOut,
    ConfigInvalid,
    HostError,
    HostKeyChanged,
    HostLoginRefused,
    HostUnreachable,
    OutcomeUnknown,
)
from rollout.executors.carry_out import carry_out
from rollout.model.command import Command, Result, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from rollout.commands.batch import Begun
    from rollout.model.plan import Step
    from rollout.model.target import HostAddress

__all__ = ["Host", "carry_out"]

SSH_PORT = 22
CONNECT_TIMEOUT_S = 10
KEEPALIVE_S = 4
# With keepalives every 4 s, data without an answer for this long means that the host is gone: a cut
# is noticed within 15 s. Measured; keepalives alone did not notice within 40 s.
USER_TIMEOUT_MS = 10_000
# `timeout` ends a command with this status; it sends KILL when TERM did not help.
TIMED_OUT = 124
KILLED = 137
KILL_AFTER_S = 5
# How much longer than the host we wait ourselves, in seconds.
MARGIN_S = 20.0
STATUS_TIMEOUT_S = 5.0

_LOOK_AGAIN = "Start the run again: it reads the facts first and goes on from there."
_CUT = (OSError, EOFError, paramiko.SSHException, ThreadException)


class _Whole(Remote):
    """Hands the remote program its whole input at once.

    Invoke's own way reads one character each 10 ms, which no upload survives.
    """

    started = False

    def start(self, *args: Any, **kwargs: Any) -> None:
        """Open the session; after this the command may have been run."""
        super().start(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.started = True

    def handle_stdin(self, input_: Any, output: Any, echo: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 (Invoke's signature)
        """Send everything, then say that there is no more."""
        text: str = input_.read()
        if text:
            self._write_proc_stdin(text.encode())  # pyright: ignore[reportUnknownMemberType]
        self.close_proc_stdin()


class _OnlyPinned(paramiko.MissingHostKeyPolicy):
    """Refuses a key of another type than the pinned one, as a changed key."""

    def __init__(self, pinned: paramiko.PKey) -> None:
        self._pinned = pinned

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> NoReturn:  # noqa: ARG002 (paramiko's signature)
        """Refuse."""
        raise paramiko.BadHostKeyException(hostname, key, self._pinned)


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


class Stream:
    """A program on the host that is written to and read from while it runs, a line at a time."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._pending = b""

    def write(self, text: str) -> None:
        """Send text.

        Raises:
            OutcomeUnknown: When the program has ended, or the connection was cut.
        """
        self._channel.settimeout(CONNECT_TIMEOUT_S)
        try:
            self._channel.sendall(text.encode())
        except _CUT as error:
            raise _gone() from error

    def read_line(self, timeout_s: float) -> str | None:
        """Return its next line without the line end; None when there was none in time.

        Raises:
            OutcomeUnknown: When the program has ended, or the connection was cut.
        """
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            self._channel.settimeout(max(0.0, deadline - time.monotonic()))
            try:
                data: bytes = self._channel.recv(65536)
            except TimeoutError:
                return None
            except _CUT as error:
                raise _gone() from error
            if not data:
                raise _gone()
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        return line.decode(errors="replace")

    def exit_code(self, timeout_s: float) -> int | None:
        """Return the program's exit status; None when it has not ended in time, or is unknown."""
        self._channel.status_event.wait(timeout_s)
        status: int = self._channel.exit_status
        return status if self._channel.status_event.is_set() and status >= 0 else None

    def end(self) -> None:
        """Tell the program that its input has ended."""
        try:
            self._channel.shutdown_write()
        except _CUT:
            return


def _gone() -> OutcomeUnknown:
    return OutcomeUnknown(
        "a program on the host has ended, or the connection to it was cut",
        left="What it did last is unknown.",
        next_step=_LOOK_AGAIN,
    )


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
        except _CUT as error:
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
        runner = _Whole(context=connection)
        self.round_trips += 1
        began = time.monotonic()
        try:
            answer = cast("Any", runner).run(
                _bounded(words, command.timeout_s),
                hide=True,
                warn=True,
                in_stream=io.StringIO(_text(command)),
                timeout=command.timeout_s + MARGIN_S,
                # Invoke decodes piece by piece, which breaks a character at a piece's end; this
                # way each byte stays one character until all are there.
                encoding="latin-1",
            )
        except (*_CUT, InvokeTimedOut) as error:
            raise self._cut(command, started=runner.started) from error
        return self._judged(
            Result(
                command,
                answer.exited,
                _decoded(answer.stdout),
                _decoded(answer.stderr),
                time.monotonic() - began,
            )
        )

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
                next_step=_LOOK_AGAIN,
            )
        return OutcomeUnknown(
            f"the connection to {host} was cut while `{command.display()}` ran",
            left="The command may have been done, or not, or may still go on.",
            next_step=_LOOK_AGAIN,
        )

    def _open(self) -> Any:
        with self._opening:
            if self._connection is None:
                self._connection = _opened(self.address)
            return self._connection


def _bounded(words: tuple[str, ...], timeout_s: float) -> str:
    """Return the line that runs a program for no longer than its limit."""
    bound = ("timeout", f"--kill-after={KILL_AFTER_S}", f"{timeout_s:g}")
    return Command((*bound, *words)).shell()


def _opened(address: HostAddress) -> Any:
    connection = _connection(address)
    try:
        connection.open()
    except paramiko.BadHostKeyException as error:
        raise _other_key(address, error) from error
    except paramiko.AuthenticationException as error:
        raise _login_refused(address) from error
    except _CUT as error:
        raise _unreachable(address, error) from error
    _notice_cuts(connection)
    return connection


def _connection(address: HostAddress) -> Any:
    """Return a connection that is not open yet and reads nothing of this machine's SSH settings."""
    pinned = _host_key(address)
    config = cast("Any", Config)(
        overrides={"load_ssh_configs": False},
        system_prefix="/nonexistent/",
        user_prefix="/nonexistent/",
    )
    connection = cast("Any", Connection)(
        address.host,
        user=address.user,
        port=address.port,
        config=config,
        gateway=address.proxy_command or None,
        connect_timeout=CONNECT_TIMEOUT_S,
        connect_kwargs={
            "pkey": _private_key(address),
            "look_for_keys": False,
            "allow_agent": False,
            "banner_timeout": CONNECT_TIMEOUT_S,
            "auth_timeout": CONNECT_TIMEOUT_S,
        },
    )
    name = address.host if address.port == SSH_PORT else f"[{address.host}]:{address.port}"
    connection.client.get_host_keys().add(name, pinned.get_name(), pinned)
    connection.client.set_missing_host_key_policy(_OnlyPinned(pinned))
    return connection


def _notice_cuts(connection: Any) -> None:
    transport = connection.transport
    transport.set_keepalive(KEEPALIVE_S)
    if isinstance(transport.sock, socket.socket):
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def _decoded(text: str) -> str:
    """Return what latin-1 letters stand for as bytes."""
    return text.encode("latin-1").decode(errors="replace")


def _text(command: Command) -> str:
    stdin = command.stdin
    return stdin.reveal() if isinstance(stdin, Secret) else stdin or ""


def _host_key(address: HostAddress) -> paramiko.PKey:
    try:
        kind, text = address.host_key.split()[:2]
        return paramiko.PKey.from_type_string(kind, b64decode(text))
    except (ValueError, paramiko.SSHException, UnknownKeyType):
        raise ConfigInvalid(
            "target host block, host_key", "should read `ssh-ed25519 AAAA...`, as ssh-keyscan says"
        ) from None


def _private_key(address: HostAddress) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(address.private_key.reveal()))
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise ConfigInvalid(
        "target host block, private_key", "is no Ed25519, ECDSA or RSA key without a passphrase"
    )


def _other_key(address: HostAddress, error: paramiko.BadHostKeyException) -> HostKeyChanged:
    return HostKeyChanged(
        f"{address.host} shows the key {error.key.fingerprint}, not the pinned "
        f"{error.expected_key.fingerprint}",
        next_step="If the host was rebuilt, put its new key into the block; if not, find out who "
        "answers in its place.",
    )


def _login_refused(address: HostAddress) -> HostError:
    return HostLoginRefused(
        f"{address.host} does not accept the block's private key for user {address.user}",
        next_step=f"Add its public half to {address.user}'s authorized_keys on the host, or "
        "correct the block.",
    )


def _unreachable(address: HostAddress, error: BaseException) -> HostUnreachable:
    return HostUnreachable(
        f"no SSH session to {address.user}@{address.host}:{address.port} came about "
        f"({str(error) or type(error).__name__})",
        next_step="See whether the host runs and whether its firewall or tunnel lets us in; then "
        "start the run again.",
    )
