"""A program on a host that is written to and read from while it runs."""

from __future__ import annotations

import time
from typing import Any

from rollout.errors import OutcomeUnknown
from rollout.executors.ssh import CONNECT_TIMEOUT_S, CUT

LOOK_AGAIN = "Start the run again: it reads the facts first and goes on from there."
"""What to do when nobody knows how far something came."""


class Stream:
    """A program on the host that is written to and read from while it runs, a line at a time.

    Args:
        channel: Its session's channel, on which it was started.
    """

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
        except CUT as error:
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
            except CUT as error:
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
        except CUT:
            return


def _gone() -> OutcomeUnknown:
    return OutcomeUnknown(
        "a program on the host has ended, or the connection to it was cut",
        left="What it did last is unknown.",
        next_step=LOOK_AGAIN,
    )
