"""A load that goes on while something happens, and counts what was lost."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

BETWEEN_S = 0.05
STREAM_MS = 3000
CUT = (httpx.RemoteProtocolError, httpx.ReadError)
"""What a client sees of a connection that was closed before anything was answered."""


@dataclass(slots=True)
class Load:
    """What was sent and what came of it; times are seconds since the load began."""

    base: str
    between_s: float = BETWEEN_S
    cut_counts: bool = True
    sent: int = 0
    streams: int = 0
    lost: list[str] = field(default_factory=list[str])
    seen: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    began: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def versions(self) -> list[str]:
        """Return the versions that answered, each time another one did."""
        told: list[str] = []
        for _, version in sorted(self.seen):
            if told[-1:] != [version]:
                told.append(version)
        return told


@contextmanager
def load_on(base: str, between_s: float = BETWEEN_S, *, cut_counts: bool = True) -> Generator[Load]:
    """Send requests of three kinds on kept-alive connections until the block ends.

    Args:
        base: For instance `http://10.77.0.2`.
        between_s: How long each kind waits before its next request, in seconds.
        cut_counts: Whether a request is lost that found its connection closed. Else it is sent
            once more, as every client may that meets this on a kept-alive connection (RFC 9110,
            9.2.2): for a proxy that reloads, which docs/faults.md has as a known limit.
    """
    load = Load(base, between_s, cut_counts)
    kinds: list[Callable[[Load, httpx.Client], None]] = [_read, _write, _stream, _stream]
    threads = [threading.Thread(target=_repeat, args=(load, kind)) for kind in kinds]
    for thread in threads:
        thread.start()
    try:
        yield load
        time.sleep(1)
    finally:
        load.over.set()
        for thread in threads:
            thread.join()


def _repeat(load: Load, kind: Callable[[Load, httpx.Client], None]) -> None:
    with httpx.Client(base_url=load.base, timeout=20) as client:
        while not load.over.is_set():
            load.sent += 1
            try:
                _send(load, kind, client)
            except (httpx.HTTPError, AssertionError) as error:
                at = time.monotonic() - load.began
                load.lost.append(f"{at:.2f} s {kind.__name__}: {error!r}")
            load.over.wait(load.between_s)


def _send(load: Load, kind: Callable[[Load, httpx.Client], None], client: httpx.Client) -> None:
    try:
        kind(load, client)
    except CUT:
        if load.cut_counts:
            raise
        kind(load, client)


def _read(load: Load, client: httpx.Client) -> None:
    sent = time.monotonic() - load.began
    answer = client.get("/api/health")
    assert answer.status_code == 200, f"{answer.status_code} {answer.headers} {answer.text}"
    load.seen.append((sent, answer.json()["version"]))


def _write(load: Load, client: httpx.Client) -> None:
    text = f"{load.sent} " * 500
    answer = client.post("/api/echo", content=text)
    assert answer.status_code == 200, f"{answer.status_code} {answer.headers} {answer.text}"
    assert text.strip() in answer.text


def _stream(load: Load, client: httpx.Client) -> None:
    load.streams += 1
    answer = client.get("/api/slow", params={"ms": STREAM_MS})
    assert answer.status_code == 200, f"{answer.status_code} {answer.headers} {answer.text}"
