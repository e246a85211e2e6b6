"""A host over SSH: one connection, its key pinned, a cut noticed within seconds.

This is the only file that may cast: Fabric and Invoke are untyped. Commands are bounded twice. On
the host by `timeout`, so that one whose connection was cut does not go on for ever; and here, for
when the host itself is gone.
"""

from __future__ import annotations

import io
import socket
import time
from base64 import b64decode
from typing import TYPE_CHECKING, Any, NoReturn, cast

import paramiko
from fabric import Config, Connection  # pyright: ignore[reportMissingTypeStubs]
from fabric.runners import Remote  # pyright: ignore[reportMissingTypeStubs]
from invoke.exceptions import CommandTimedOut as InvokeTimedOut
from invoke.exceptions import ThreadException
from paramiko.pkey import UnknownKeyType

from rollout.errors import (
    CommandFailed,
    CommandTimedOut,
    ConfigInvalid,
    HostError,
    HostKeyChanged,
    HostUnreachable,
    OutcomeUnknown,
)
from rollout.executors.carry_out import carry_out
from rollout.model.command import Command, Result, Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

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


class Host:
    """A host's one connection, opened when it is first needed; a context manager.

    Args:
        address: Where it is, and the key that it must show.
        log: Called with what happens, a line at a time; secrets never reach it.
    """

    def __init__(self, address: HostAddress, log: Callable[[str], None] = lambda _: None) -> None:
        self.address = address
        self.log = log
        self.round_trips = 0
        self._connection: Any = None

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

        A command that changes nothing is repeated once when the connection was cut.

        Raises:
            HostUnreachable: When no session came about; the command was not run.
            HostKeyChanged: When the host shows another key than the pinned one.
            OutcomeUnknown: When the connection was cut; the command may go on.
            CommandTimedOut: When it was stopped because it took longer than its limit.
        """
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

    def reconnect(self) -> None:
        """Begin a new session with the next command, for instance to get new groups."""
        self.close()

    def close(self) -> None:
        """End the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self, command: Command) -> Result:
        connection = self._open()
        bounded = Command(
            ("timeout", f"--kill-after={KILL_AFTER_S}", f"{command.timeout_s:g}", *command.argv)
        )
        runner = _Whole(context=connection)
        self.round_trips += 1
        began = time.monotonic()
        try:
            answer = cast("Any", runner).run(
                bounded.shell(),
                hide=True,
                warn=True,
                in_stream=io.StringIO(_text(command)),
                timeout=command.timeout_s + MARGIN_S,
            )
        except (*_CUT, InvokeTimedOut) as error:
            raise self._cut(command, started=runner.started) from error
        return self._judged(
            Result(command, answer.exited, answer.stdout, answer.stderr, time.monotonic() - began)
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
        if self._connection is None:
            connection = _connection(self.address)
            try:
                connection.open()
            except paramiko.BadHostKeyException as error:
                raise _other_key(self.address, error) from error
            except paramiko.AuthenticationException as error:
                raise _login_refused(self.address) from error
            except _CUT as error:
                raise _unreachable(self.address, error) from error
            _notice_cuts(connection)
            self._connection = connection
        return self._connection


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
    return HostError(
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
