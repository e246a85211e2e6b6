"""TCP ports: whether somebody listens on one, and which is free."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ASK_EVERY_S = 0.1
_CONNECT_TIMEOUT_S = 2.0
# Docker accepts on behalf of a container that does not listen yet, and hangs up at once.
_HANG_UP_WITHIN_S = 0.05
_HELD: dict[str, socket.socket] = {}
_HOLDING = threading.Lock()


def accepts(host: str, port: int) -> bool:
    """Return whether a connection comes about and is not hung up on at once."""
    try:
        connection = socket.create_connection((host, port), _CONNECT_TIMEOUT_S)
    except OSError:
        return False
    with connection:
        connection.settimeout(_HANG_UP_WITHIN_S)
        try:
            return connection.recv(1) != b""
        except TimeoutError:
            # The peer waits for us to speak first, as most do.
            return True
        except OSError:
            return False


def wait_until(true: Callable[[], bool], timeout_s: float, go_on: Callable[[], bool]) -> bool:
    """Ask again and again until something is true.

    Args:
        true: What is asked.
        timeout_s: For how long, in seconds.
        go_on: Whether asking further makes sense; False gives up early.

    Returns:
        Whether it became true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline or not go_on():
            return False
        time.sleep(ASK_EVERY_S)
    return True


def own_port(purpose: str) -> int:
    """Return a port of the loopback for a program of this run's own, the same for one purpose.

    It is held as long as the process lives: nobody is given it by chance, and who asks for it by
    number, as a server does that is told to listen there, may have it.

    Args:
        purpose: What for; another one gets another port.
    """
    with _HOLDING:
        held = _HELD.get(purpose)
        if held is None:
            held = socket.socket()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))
            _HELD[purpose] = held
        return int(held.getsockname()[1])
