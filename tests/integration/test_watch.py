"""Watching a real server over HTTP: what is seen, what a failure looks like, when it stops."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rollout.config import Verify
from rollout.executors.watch import STOPS_WITHIN_S, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rollout.model.sample import Sample

LIMIT_S = 60


class Health(BaseHTTPRequestHandler):
    """Answers as the application behind the proxy does, in whatever way a test asks for."""

    protocol_version = "HTTP/1.1"
    status: ClassVar[int] = 200
    version: ClassVar[str] = "a" * 40
    waits: ClassVar[threading.Event] = threading.Event()
    peers: ClassVar[set[Any]] = set()

    def do_GET(self) -> None:
        kind = type(self)
        kind.peers.add(self.client_address)
        kind.waits.wait(LIMIT_S)
        body = json.dumps({"status": "healthy", "version": kind.version}).encode()
        self.send_response(kind.status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Release", "web-r1")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def health() -> Generator[tuple[type[Health], str]]:
    class Own(Health):
        waits = threading.Event()
        peers: ClassVar[set[Any]] = set()

    Own.waits.set()
    with serving(Own) as url:
        yield Own, url


@contextmanager
def serving(handler: type[Health]) -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/health"
    finally:
        handler.waits.set()
        server.shutdown()
        server.server_close()
        thread.join()


def verify(url: str, rate: float = 50) -> Verify:
    return Verify(url=url, watch_rate_per_s=rate)


def until(watch: Watch, well: Callable[[tuple[Sample, ...]], bool]) -> tuple[Sample, ...]:
    deadline = time.monotonic() + LIMIT_S
    while not well(watch.samples):
        assert time.monotonic() < deadline, watch.samples[-3:]
        time.sleep(0.01)
    return watch.samples


def test_a_switch_is_seen_over_one_connection(health: tuple[type[Health], str]):
    server, url = health

    with Watch(verify(url)) as watch:
        until(watch, lambda seen: len(seen) > 3)
        server.version = "b" * 40
        seen = until(watch, lambda seen: seen[-1].version == "b" * 40)

    assert not any(one.lost for one in seen)
    assert [one.at_s for one in seen] == sorted(one.at_s for one in seen)
    assert seen[0].version == "a" * 40
    assert {(one.http_status, one.status, one.upstream) for one in seen} == {
        (200, "healthy", "web-r1")
    }
    assert len(server.peers) == 1


def test_an_error_of_the_server_is_a_lost_request(health: tuple[type[Health], str]):
    server, url = health
    server.status = 503

    with Watch(verify(url)) as watch:
        seen = until(watch, bool)

    assert (seen[0].lost, seen[0].http_status) == (True, 503)


def test_nobody_who_answers_is_a_lost_request_and_no_error():
    with Watch(verify("http://127.0.0.1:1/")) as watch:
        seen = until(watch, lambda seen: len(seen) > 2)

    assert {(one.lost, one.http_status, one.who) for one in seen} == {(True, None, "")}


def test_what_does_not_answer_keeps_nobody_waiting(health: tuple[type[Health], str]):
    server, url = health
    server.waits.clear()

    with Watch(verify(url)) as watch:
        deadline = time.monotonic() + LIMIT_S
        while not server.peers:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        left = time.monotonic()

    # Far below the time that the request itself may take.
    assert time.monotonic() - left < 3 * STOPS_WITHIN_S
    assert watch.samples == ()


def test_nothing_is_asked_at_a_rate_of_none(health: tuple[type[Health], str]):
    server, url = health

    with Watch(verify(url, 0)) as watch:
        pass

    assert watch.samples == ()
    assert server.peers == set()


def test_an_error_in_the_block_stops_it_too(health: tuple[type[Health], str]):
    _, url = health
    watch = Watch(verify(url))

    with pytest.raises(ZeroDivisionError):
        _fail_within(watch)

    assert watch.samples
    assert not [one for one in threading.enumerate() if one.name == "watch"]


def _fail_within(watch: Watch) -> None:
    with watch:
        until(watch, bool)
        raise ZeroDivisionError
