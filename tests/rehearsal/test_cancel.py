"""A cancel in the UI: before the first change it ends the deploy, after it the deploy ends well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.states import Cancelling

from infra.rehearsal.shell import wait_until
from rollout.executors.containers import LABEL
from rollout.executors.engine import engine
from tests.support.world import commit, on_host, probing, serving_version, trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future
    from uuid import UUID

    from tests.support.world import Run

pytestmark = pytest.mark.rehearsal

FREE = "flock --shared --nonblock /opt/trovella/lease/lock echo free"


@pytest.fixture(scope="module")
def serving() -> str:
    """Return a commit that serves."""
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return version


def test_a_cancel_during_quality_leaves_everything_as_it_was(serving: str):
    version = commit()
    before = on_host("cat /opt/trovella/ledger.jsonl; docker ps --no-trunc --quiet")

    with cancelled_during("quality", partial(trigger, "deploy", commit=version)) as ended:
        run = ended.result()

    assert run.state == "Cancelled", run.log
    assert run.exit_code == 1
    assert "migrate-prod" not in run.tasks
    assert on_host("cat /opt/trovella/ledger.jsonl; docker ps --no-trunc --quiet") == before
    assert on_host(FREE) == "free\n"
    assert serving_version() == serving
    with engine() as builder:
        assert builder.labelled(LABEL) == {}

    again = trigger("deploy", commit=version)
    assert again.exit_code == 0, again.log
    assert serving_version() == version


def test_a_cancel_during_deploy_prod_comes_too_late_and_loses_no_request(serving: str):
    version = commit()
    assert version != serving

    start = partial(trigger, "deploy", commit=version)
    with probing() as probe, cancelled_during("deploy-prod", start) as ended:
        run = ended.result()

    assert run.state == "Completed", run.log
    assert "a cancel came too late: the target was being changed" in run.message
    assert "cancel asked: the target is being changed; the run finishes this first" in run.log
    assert serving_version() == version
    assert on_host(FREE) == "free\n"
    assert probe.result()["sent"] > 100
    assert probe.result()["lost"] == 0, probe.result()


def test_a_cancel_during_a_rollback_comes_too_late_and_loses_no_request(serving: str):
    assert serving_version() != serving

    start = partial(trigger, "rollback", to=serving, reason="a test")
    with probing() as probe, cancelled_during("rollback", start) as ended:
        run = ended.result()

    assert run.state == "Completed", run.log
    assert "a cancel came too late: the target was being changed" in run.message
    assert serving_version() == serving
    assert on_host(FREE) == "free\n"
    assert probe.result()["lost"] == 0, probe.result()


@contextmanager
def cancelled_during(task: str, start: Callable[[], Run]) -> Generator[Future[Run]]:
    """Start a run, and click Cancel as soon as one of its tasks is seen at work."""
    with ThreadPoolExecutor(1) as pool, get_client(sync_client=True) as client:
        before = {run.id for run in client.read_flow_runs()}
        ended = pool.submit(start)

        def at_work() -> list[UUID]:
            new = [run.id for run in client.read_flow_runs() if run.id not in before]
            tasks = client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=new))
            )
            return new if any(one.name == task for one in tasks) else []

        wait_until(lambda: bool(at_work()), f"the run's {task}", timeout_s=240)
        client.set_flow_run_state(at_work()[0], Cancelling())
        yield ended
