"""SSH itself: a connection whose key is pinned, and one command on it.

The only file that knows Fabric and Invoke, which are untyped: hence its casts, and connections that
are handed on as they are.
"""

from __future__ import annotations

import io
import socket
from base64 import b64decode
from typing import TYPE_CHECKING, Any, NoReturn, cast

import paramiko
from fabric import Config, Connection  # pyright: ignore[reportMissingTypeStubs]
from fabric.runners import Remote  # pyright: ignore[reportMissingTypeStubs]
from invoke.exceptions import CommandTimedOut as InvokeTimedOut
from invoke.exceptions import ThreadException
from paramiko.pkey import UnknownKeyType

from rollout.errors import (
    ConfigInvalid,
    HostError,
    HostKeyChanged,
    HostLoginRefused,
    HostUnreachable,
    TunnelFailed,
    TunnelRefused,
)
from rollout.executors.tunnel import Tunnel
from rollout.model.tunnel import judge_tunnel, tunnel_line

if TYPE_CHECKING:
    from rollout.model.target import HostAddress

SSH_PORT = 22
CONNECT_TIMEOUT_S = 10
KEEPALIVE_S = 4
# With keepalives every 4 s, data without an answer for this long means that the host is gone: a cut
# is noticed within 15 s. Measured; keepalives alone did not notice within 40 s.
USER_TIMEOUT_MS = 10_000

CUT = (OSError, EOFError, paramiko.SSHException, ThreadException)
"""What is raised when a connection is cut."""


class SessionCut(Exception):
    """Raised when a command has no answer because its connection was cut.

    Attributes:
        started: Whether the command may have been run.
    """

    def __init__(self, *, started: bool) -> None:
        super().__init__()
        self.started = started


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


def open_connection(address: HostAddress) -> Any:
    """Return an open connection to a host; it reads nothing of this machine's SSH settings.

    Raises:
        ConfigInvalid: When one of the address's keys is none.
        HostKeyChanged: When the host shows another key than the pinned one.
        TunnelFailed: When the tunnel that leads to the host said why it is none.
        TunnelRefused: When it said that who asks is not logged in, or may not.
        HostUnreachable: When no connection came about.
        HostError: When the host does not let us in.
    """
    tunnel = _tunnel(address)
    connection = _connection(address, tunnel)
    try:
        connection.open()
    except paramiko.BadHostKeyException as error:
        raise _other_key(address, error) from error
    except paramiko.AuthenticationException as error:
        raise _login_refused(address) from error
    except CUT as error:
        said = tunnel.said() if tunnel else ""
        raise (_no_tunnel(address, said) if said else _unreachable(address, error)) from error
    finally:
        if tunnel and not connection.is_connected:
            tunnel.close()
    _notice_cuts(connection)
    return connection


def run_line(connection: Any, line: str, text: str, timeout_s: float) -> tuple[int, str, str]:
    """Run a line of shell and return its exit status, and what it wrote to each stream.

    Args:
        connection: An open connection.
        line: What to run.
        text: What it is given to read; empty for nothing.
        timeout_s: How long an answer is waited for, in seconds.

    Returns:
        A status of -1 when the connection was cut before the status came.

    Raises:
        SessionCut: When the connection was cut, or no answer came in time.
    """
    runner = _Whole(context=connection)
    try:
        answer = cast("Any", runner).run(
            line,
            hide=True,
            warn=True,
            in_stream=io.StringIO(text),
            timeout=timeout_s,
            # Invoke decodes piece by piece, which breaks a character at a piece's end; this way
            # each byte stays one character until all are there.
            encoding="latin-1",
        )
    except (*CUT, InvokeTimedOut) as error:
        raise SessionCut(started=runner.started) from error
    return answer.exited, _decoded(answer.stdout), _decoded(answer.stderr)


def _tunnel(address: HostAddress) -> Tunnel | None:
    if not address.proxy_command:
        return None
    return Tunnel.start(address.proxy_command, address.host, address.port, address.user)


def _connection(address: HostAddress, tunnel: Tunnel | None) -> Any:
    """Return a connection that is not open yet."""
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
        connect_timeout=CONNECT_TIMEOUT_S,
        connect_kwargs={
            "sock": tunnel,
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
    if not isinstance(transport.sock, Tunnel):
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def _decoded(text: str) -> str:
    """Return what latin-1 letters stand for as bytes."""
    return text.encode("latin-1").decode(errors="replace")


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
    shown, pinned = error.key.fingerprint, error.expected_key.fingerprint
    if address.key_told_by:
        return HostKeyChanged(
            f"{address.host} shows the key {shown}, not {pinned}, which {address.key_told_by} told "
            "Google when it started",
            next_step="Find out who answers in its place; if somebody gave the machine new keys, "
            "pin the one that its serial console shows as host_key in its block.",
        )
    return HostKeyChanged(
        f"{address.host} shows the key {shown}, not the pinned {pinned}",
        next_step="If the host was rebuilt, put its new key into the block; if not, find out who "
        "answers in its place.",
    )


def _login_refused(address: HostAddress) -> HostError:
    return HostLoginRefused(
        f"{address.host} does not accept the block's private key for user {address.user}",
        next_step=f"Add its public half to {address.user}'s authorized_keys on the host, make "
        "it known to OS Login again, or correct the block.",
    )


def _no_tunnel(address: HostAddress, said: str) -> HostError:
    """Return what it means that a tunnel's program gave up; only its login is nothing to repeat."""
    is_refused = judge_tunnel(said) in {"no-login", "forbidden"}
    return (TunnelRefused if is_refused else TunnelFailed)(
        f"the tunnel to {address.host} did not come about: {tunnel_line(said)}",
        next_step="See what the tunnel's program says when it is run by hand on the worker; then "
        "start the run again.",
    )


def _unreachable(address: HostAddress, error: BaseException) -> HostUnreachable:
    return HostUnreachable(
        f"no SSH session to {address.user}@{address.host}:{address.port} came about "
        f"({str(error) or type(error).__name__})",
        next_step="See whether the host runs and whether its firewall or tunnel lets us in; then "
        "start the run again.",
    )
