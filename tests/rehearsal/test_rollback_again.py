"""A rollback that was cut or failed, and what the same command or a retry of it comes to then.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from prefect import get_client

from infra.rehearsal.shell import wait_until
from tests.rehearsal.faults.runs import TOLD_TWICE_S, end_of, process_of
from tests.support.world import (
    commit,
    facts,
    on_host,
    retry,
    serving_version,
    task_states,
    trigger,
)

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal

REGISTRY = "us-central1-docker.pkg.dev"
START = "docker start trovella-web-r{0}-1"
HEALTHY = (
    "until docker inspect --format '{{{{.State.Health.Status}}}}' trovella-web-r{0}-1 "
    "| grep --quiet --line-regexp healthy; do sleep 0.2; done"
)
SWITCH = "cd /opt/trovella/proxy && printf web-r{0} > live.tmp && mv live.tmp live"
DEMAND = "ALTER TABLE note ADD COLUMN must_have text NOT NULL DEFAULT 'x'"
BREAK = "ALTER TABLE note ALTER COLUMN must_have DROP DEFAULT"
MEND = "ALTER TABLE note DROP COLUMN IF EXISTS must_have"


@dataclass
class Known:
    """Two releases by number and commit, and a rollback to the second one that failed."""

    first: tuple[int, str]
    second: tuple[int, str]
    failed: str = ""


def said() -> list[tuple[int, str]]:
    lines = on_host("cat /opt/trovella/ledger.jsonl").splitlines()
    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [(one["release"], one["event"]) for one in entries]


def current() -> int:
    return int(on_host("basename $(readlink /opt/trovella/current)"))


def deployed() -> tuple[int, str]:
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return current(), version


def ordered(**asked: str) -> str:
    """Start a rollback and return the run's id."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name("rollback/rehearsal")
        parameters = {"reason": "a test", **asked}
        return str(client.create_flow_run_from_deployment(found.id, parameters=parameters).id)


@contextmanager
def no_image(number: int) -> Generator[None]:
    """Let the host have nothing of a release's image, and no way to it."""
    text = on_host(f"cat /opt/trovella/releases/{number}/release.json")
    image = json.loads(text)["image"]
    reference = f"{image['repository']}@{image['digest']}"
    on_host(f"docker rm --force trovella-web-r{number}-1; docker rmi --force {reference}")
    on_host(f"cp /etc/hosts /tmp/hosts; echo 127.0.0.1 {REGISTRY} | sudo tee --append /etc/hosts")
    try:
        yield
    finally:
        on_host("sudo cp /tmp/hosts /etc/hosts")


@contextmanager
def broken() -> Generator[None]:
    """Let no release of before be able to write into the live schema."""
    with psycopg.connect(facts()["database_url"], autocommit=True) as database:
        database.execute(DEMAND)
        database.execute(BREAK)
        try:
            yield
        finally:
            database.execute(MEND)


@pytest.fixture(scope="module")
def known() -> Known:
    return Known(deployed(), deployed())


def test_the_same_command_finishes_what_was_cut_between_its_switch_and_its_line(known: Known):
    (first, version), (second, left) = known.first, known.second
    on_host(" && ".join(one.format(first) for one in (START, HEALTHY, SWITCH)))
    assert (serving_version(), current()) == (version, second)

    run = trigger("rollback", to=str(first), reason="500s on /pay")

    assert run.exit_code == 0, run.log
    assert (serving_version(), current()) == (version, first)
    assert said()[-3:] == [(first, "activated"), (second, "rolled-back"), (first, "verified")]
    again = trigger("deploy", commit=left, dry_run=True)
    assert f"release {second} ({left[:12]}) was left by a rollback at " in again.message, again.log


def test_a_retry_is_judged_by_the_schema_of_its_own_time(known: Known):
    (first, version), (second, _) = known.first, known.second
    with no_image(second):
        run = trigger("rollback", to=str(second), reason="a test")
    assert (run.exit_code, run.tasks["rollback: choose"]) == (1, "Completed"), run.log
    known.failed = run.flow_run_id
    before = said()

    with broken():
        again = retry(known.failed)

    assert again.state == "Failed", again.log
    assert f"rollback to release {second} refused: " in again.message
    assert "must_have" in again.message
    assert "\nleft: Nothing was changed." in again.message
    states = task_states(known.failed)
    assert (states["rollback: choose"], states["rollback: judge"]) == ("Cached", "Failed")
    assert (serving_version(), said()) == (version, before)
    assert current() == first


def test_a_retry_leaves_nothing_that_came_to_serve_since(known: Known):
    newer, version = deployed()
    before = said()

    again = retry(known.failed)

    assert again.state == "Failed", again.log
    told = f"release {newer} serves by now, and this run has chosen release {known.second[0]} when"
    assert f"{told} release {known.first[0]} did" in again.message
    assert "\nnext: Where release" in again.message
    assert (serving_version(), current(), said()) == (version, newer, before)


def test_a_run_that_was_killed_after_its_switch_goes_on_with_the_release_that_it_made(known: Known):
    left, (first, version) = current(), known.first
    live = on_host("cat /opt/trovella/proxy/live")
    run_id = ordered(secrets="newest")
    wait_until(lambda: on_host("cat /opt/trovella/proxy/live") != live, "the switch")
    os.kill(process_of(run_id), signal.SIGKILL)
    assert end_of(run_id) == "Crashed"
    made = on_host("cat /opt/trovella/proxy/live")
    time.sleep(TOLD_TWICE_S)

    again = retry(run_id)

    assert again.state == "Completed", again.log
    assert on_host("cat /opt/trovella/proxy/live") == made == f"web-r{left + 1}"
    assert (serving_version(), current()) == (version, left + 1)
    restored = json.loads(on_host(f"cat /opt/trovella/releases/{left + 1}/release.json"))
    assert restored["restores"] == first
    assert said()[-2:] == [(left, "rolled-back"), (left + 1, "verified")]


def test_the_same_command_finishes_what_was_killed_while_it_drained(known: Known):
    former = current()
    left, _ = deployed()
    run_id = ordered()
    wait_until(lambda: said()[-1] == (former, "activated"), "the line of the switch")
    os.kill(process_of(run_id), signal.SIGKILL)
    assert end_of(run_id) == "Crashed"
    assert said()[-1] == (former, "activated")

    run = trigger("rollback", reason="a test")

    assert run.exit_code == 0, run.log
    assert current() == former
    assert said()[-2:] == [(left, "rolled-back"), (former, "verified")]


def test_the_same_command_finishes_what_was_killed_with_new_secrets(known: Known):
    former, version = current(), serving_version()
    left, _ = deployed()
    run_id = ordered(secrets="newest")
    wait_until(lambda: on_host("cat /opt/trovella/proxy/live") != f"web-r{left}", "the switch")
    os.kill(process_of(run_id), signal.SIGKILL)
    assert end_of(run_id) == "Crashed"

    run = trigger("rollback", secrets="newest", reason="a test")

    assert run.exit_code == 0, run.log
    serving = current()
    assert (serving_version(), serving > left) == (version, True)
    restored = json.loads(on_host(f"cat /opt/trovella/releases/{serving}/release.json"))
    assert restored["restores"] == former
    assert said()[-2:] == [(left, "rolled-back"), (serving, "verified")]
