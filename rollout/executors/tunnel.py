"""A program whose standard streams are a connection, as a socket: `ProxyCommand`, an IAP tunnel.

Paramiko's own keeps asking a program that has ended, with all of a processor, until its time is
over, and what the program said of it is lost. Here its end is the connection's end.

Source: `paramiko.ProxyCommand.recv`, paramiko 3 and 4, read 2026-11-25.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import tempfile
import threading
from typing import IO, Self

from rollout.errors import ConfigInvalid
from rollout.executors.process import google_environment, inherited_environment

_END_TIMEOUT_S = 1.0
_TOLD_BYTES = 4096


class Tunnel(socket.socket):
    """One end of a connection whose other end is a program's input and output.

    When it is closed, or this process has died, the program reads the end of its input and ends.
    """

    @classmethod
    def start(cls, command: str, host: str, port: int, user: str) -> Self:
        """Return the connection that a command makes; it may come to nothing later.

        Args:
            command: As SSH's own `ProxyCommand`, but no shell reads it: `%h`, `%p` and `%r` stand
                for host, port and login.
            host: The host's name or address.
            port: The port of its SSH server.
            user: The login.

        Raises:
            ConfigInvalid: When there is no such program, or the command cannot be read.
        """
        words = _words(command, {"%h": host, "%p": str(port), "%r": user})
        ours, others = socket.socketpair()
        told = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the connection
        with others:
            try:
                process = subprocess.Popen(
                    words,
                    env=inherited_environment() | google_environment(),
                    stdin=others.fileno(),
                    stdout=others.fileno(),
                    stderr=told,
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                told.close()
                raise ConfigInvalid(
                    "target host block, proxy_command",
                    f"{words[0]} cannot be started on the worker: {error.strerror}",
                ) from None
        tunnel = cls(fileno=ours.detach())
        tunnel._process, tunnel._told, tunnel._closing = process, told, threading.Lock()
        return tunnel

    _process: subprocess.Popen[bytes]
    _told: IO[bytes]
    _closing: threading.Lock
    _said = ""

    def said(self) -> str:
        """End the connection, and return what its program said last; empty when it said nothing."""
        self.close()
        return self._said

    def close(self) -> None:
        """End the connection, whereupon its program ends, or is ended after a moment."""
        with self._closing:  # paramiko's own thread closes it too
            self._close()

    def _close(self) -> None:
        super().close()
        for end in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(_END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                end()
        self._process.wait()
        if not self._told.closed:
            size_bytes = self._told.seek(0, 2)
            self._told.seek(max(0, size_bytes - _TOLD_BYTES))
            self._said = self._told.read().decode(errors="replace").strip()
            self._told.close()


def _words(command: str, names: dict[str, str]) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigInvalid("target host block, proxy_command", f"{error}") from None
    for name, text in names.items():
        words = [word.replace(name, text) for word in words]
    return words
