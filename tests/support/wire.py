"""A line to a server that a test can cut: as a firewall, a reboot or a pulled cable does."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK_S = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """Forwards connections to a server until it is told to reset them.

    Args:
        url: The server's.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._there = (parts.hostname or "", parts.port or 0)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._others: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._door, selectors.EVENT_READ)
        self._reset = threading.Event()
        self._over = threading.Event()
        port = self._door.getsockname()[1]
        netloc = f"{parts.username}:{parts.password}@127.0.0.1:{port}"
        self.url = urlunsplit(parts._replace(netloc=netloc))

    def reset(self) -> None:
        """Reset every connection, on both sides; new ones are forwarded again."""
        self._reset.set()

    def close(self) -> None:
        self._over.set()

    def run(self) -> None:
        while not self._over.is_set():
            if self._reset.is_set():
                for end in tuple(self._others):
                    self._drop(end)
                self._reset.clear()
            for key, _ in self._selector.select(TICK_S):
                if key.fileobj is self._door:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._forward(key.fileobj)
        for end in tuple(self._others):
            self._drop(end)
        self._selector.close()
        self._door.close()

    def _accept(self) -> None:
        near, _ = self._door.accept()
        far = socket.create_connection(self._there)
        for end, other in ((near, far), (far, near)):
            self._others[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _forward(self, end: socket.socket) -> None:
        if end not in self._others:
            return
        chunk = b""
        with suppress(OSError):
            chunk = end.recv(65536)
            self._others[end].sendall(chunk)
        if not chunk:
            self._drop(self._others[end])
            self._drop(end)

    def _drop(self, end: socket.socket) -> None:
        if self._others.pop(end, None):
            self._selector.unregister(end)
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            end.close()


@contextmanager
def wire(url: str) -> Iterator[Wire]:
    """Yield a line to the server of a URL, until the block ends."""
    made = Wire(url)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()
