"""Retry goes on at the failed task, also when the worker is another one by then."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from prefect.states import Failed

from rollout.errors import (
    AlreadyMigrating,
    DatabaseLocked,
    DatabaseUnreachable,
    MigrationFailed,
    RolloutError,
)
from tasks.migrate import migrate_prod
from tests.orchestration.prefect_server import wait_until, working
from tests.orchestration.sample_flows import UNTIL_PRESENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.orchestration.prefect_server import Server


def _states(server: Server, run_id: str) -> dict[str, str]:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)]))
    tasks = server.client.read_task_runs(flow_run_filter=wanted)
    return {task.name: task.state_name for task in sorted(tasks, key=lambda task: task.created)}


def test_retry_goes_on_at_the_failed_task(deployments: Server, tmp_path: Path):
    mended = tmp_path / "mended"
    order = {"commit": UNTIL_PRESENT, "actor": str(mended)}
    with working(deployments) as worker:
        run = deployments.order("deploy/production", **order)
        wait_until(lambda: deployments.run_state(run) == "Failed", "the run to fail")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=180) == 0
    mended.touch()

    retry = deployments.python("-m", "prefect", "flow-run", "retry", run)
    with working(deployments):
        wait_until(lambda: deployments.run_state(run) == "Completed", "the retry to end")

    assert retry.returncode == 0, retry.stderr
    ended = {"quality": "Cached", "wait": "Cached", "verify": "Completed"}
    wait_until(lambda: _states(deployments, run) == ended, "the tasks' states to be written")


@pytest.mark.parametrize(
    ("kind", "again"),
    [
        (AlreadyMigrating, True),
        (DatabaseUnreachable, True),
        # Waited for already, as long as it may be: three times that would be no bound.
        (DatabaseLocked, False),
        (MigrationFailed, False),
    ],
)
def test_prefect_does_not_multiply_what_migrate_prod_waits_for(
    kind: type[RolloutError], again: bool
):
    judge: Any = migrate_prod.retry_condition_fn
    state = Failed(data=kind("it failed", next_step="Retry."))

    assert judge(migrate_prod, None, state) is again
