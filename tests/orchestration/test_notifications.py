"""Whoever is on call hears of it: the server calls a webhook with what the run's state says."""

from __future__ import annotations

import asyncio
import http.server
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from prefect import resume_flow_run, tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)

from deployments.facts import NotificationFacts
from deployments.notifications import automation_names, declare_notifications
from rollout.errors import ConfigInvalid
from tests.orchestration import sample_flows
from tests.orchestration.prefect_server import wait_until
from tests.orchestration.sample_flows import FAULTY, HELD_BACK, NO, TAKEN_BACK

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from tests.orchestration.prefect_server import Server

PATH = "/hooks/very-secret"
TAKEN_UP_S = 240


class Hook(http.server.ThreadingHTTPServer):
    """A webhook's other side, which remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hear)
        self.told: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{PATH}"

    def texts(self, runs: tuple[str, ...]) -> list[str]:
        """Return what was told of some runs: Prefect may call more than once for the same event."""
        return sorted({body["text"] for _, _, body in self.told if body["text"].endswith(runs)})


class _Hear(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers.get("Content-Type", "")
        self.server.told.append((self.path, kind, json.loads(body)))  # pyright: ignore[reportAttributeAccessIssue]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its signature)
        """Say nothing."""


@contextmanager
def hearing() -> Generator[Hook]:
    with Hook() as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        yield hook
        hook.shutdown()


def declare(block: str, facts: NotificationFacts | None) -> list[str]:
    async def declared() -> list[str]:
        async with get_client() as client:
            return await declare_notifications(
                "production", block, facts, replace=True, client=client
            )

    return asyncio.run(declared())


def names(server: Server) -> list[str]:
    there = server.client.request("POST", "/automations/filter", json={}).json()
    return sorted(one["name"] for one in there if one["name"].endswith(" of production"))


def declare_twice(hook: Hook, server: Server, file: Path) -> None:
    """Declare the hook, twice: the second time changes nothing."""
    file.write_text(f"{hook.url}\n")
    facts = NotificationFacts(url_file=str(file))

    first, again = declare("on-call", facts), declare("on-call", facts)

    assert first == again
    assert first[0] == "block webhook/on-call: saved"
    assert names(server) == sorted(automation_names("production"))


def run(flow: Any, **parameters: str) -> str:
    """Run a flow to its end, tagged as a run of its deployment is, and return its id."""
    with tags("production", flow.name):
        state = flow(environment="production", **parameters, return_state=True)
    return str(state.state_details.flow_run_id)


def heard_of(hook: Hook, begin: Callable[[], str]) -> str:
    """Run until one run is told of, and return what.

    A busy server takes automations up later, and one on SQLite lays an event aside that it could
    not evaluate because of a lock.
    """
    runs: list[str] = []
    began_s = time.monotonic()
    while not hook.texts(tuple(runs)):
        assert time.monotonic() - began_s < TAKEN_UP_S, "no automation was taken up"
        runs.append(begin())
        with suppress(pytest.fail.Exception):
            wait_until(lambda: bool(hook.texts(tuple(runs))), "a call", limit_s=10)
    return hook.texts(tuple(runs))[0]


def asked(pool: ThreadPoolExecutor) -> str:
    """Run a promotion until it waits for an answer, and return its id."""
    before = waiting()
    pool.submit(copy_context().run, run, sample_flows.promote)
    wait_until(lambda: bool(waiting() - before), "a run that waits")
    return (waiting() - before).pop()


def waiting() -> set[str]:
    """Return the runs that wait for an answer."""
    paused = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Paused"])))
    with get_client(sync_client=True) as client:
        return {str(one.id) for one in client.read_flow_runs(flow_run_filter=paused)}


def answered() -> None:
    """Answer every run that waits, so that each goes on."""
    for one in waiting():
        resume_flow_run(
            UUID(one), run_input={"verdict": "go", "why": "seen in staging", "who": "ada"}
        )


@pytest.mark.usefixtures("server")
def test_a_block_that_is_not_there_is_told():
    with pytest.raises(ConfigInvalid) as raised:
        declare("no-such-hook", None)

    assert "block webhook/no-such-hook: is not there" in str(raised.value)


def test_a_failed_run_and_a_rollback_are_told_with_their_three_parts(
    server: Server, tmp_path: Path
):
    begins = (
        partial(run, sample_flows.ending, commit=TAKEN_BACK),
        partial(run, sample_flows.ending, commit=HELD_BACK),
        partial(run, sample_flows.deploy, commit=FAULTY),
        partial(run, sample_flows.rollback, to="3"),
    )
    with hearing() as hook:
        declare_twice(hook, server, tmp_path / "url")
        good = run(sample_flows.deploy, commit="1")
        taken_back, held, faulty, rolled_back = (heard_of(hook, begin) for begin in begins)
        assert hook.texts((good,)) == []

    assert {(path, kind) for path, kind, _ in hook.told} == {(PATH, "application/json")}
    assert taken_back.startswith(
        f"deploy {TAKEN_BACK} to production: RolledBack\n"
        "version 1 answers, not 2\nleft: Release 1 is serving again.\nnext: "
    )
    assert held.startswith(
        f"deploy {HELD_BACK} to production: Held\n"
        "the target is held back by ada\nleft: Nothing was changed.\nnext: Ask ada.\n"
    )
    lines = faulty.splitlines()
    assert lines[0] == f"deploy {FAULTY} to production: Failed"
    assert lines[1] == "VerificationFailed: version 1 answers, not 2"
    assert lines[2:4] == [
        "left: Release 1 is still serving.",
        "next: Read the log above and deploy again.",
    ]
    assert server.run_state(lines[4].rpartition("/")[2]) == "Failed"
    assert rolled_back.startswith("rollback production to 3: Completed\n")

    assert len(declare("", None)) == 3
    assert names(server) == []


def test_whoever_has_to_decide_is_told_of_it_while_the_run_waits(server: Server, tmp_path: Path):
    with hearing() as hook, ThreadPoolExecutor() as pool:
        declare_twice(hook, server, tmp_path / "url")
        try:
            text = heard_of(hook, partial(asked, pool))
        finally:
            answered()

    title, question, left, next_step, page = text.splitlines()
    assert title == "promote to production: Paused"
    assert question == "Shall release 3 of staging go to production?"
    assert re.fullmatch(rf"left: The run waits until 20\S+Z; without an answer {NO}\.", left)
    assert next_step == "next: Open the run, read what is known, and answer with Resume."
    assert server.run_state(page.rpartition("/")[2]) == "Completed"
    assert len(declare("", None)) == 3
