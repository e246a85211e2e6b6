"""A cancel in the UI ends a run that has changed nothing; any other run says how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.runner._cancellation_manager import CancellationManager
from prefect.runner._flow_run_executor import FlowRunExecutorContext
from prefect.states import Cancelled, Cancelling

from infra.prefect.cancellation import MADE_BY, PatientCancellation, let_runs_finish
from tasks.cancelling import CHANGES_BY, TOO_LATE
from tests.orchestration.prefect_server import Server, wait_until, working

if TYPE_CHECKING:
    from collections.abc import Generator

LONGER_THAN_PREFECT_WAITS_S = 40
GATE = "gate"


@pytest.fixture
def worker(deployments: Server) -> Generator[Server]:
    """The server, with a worker."""
    with working(deployments):
        yield deployments


def _order(server: Server, folder: Path, **parameters: Any) -> str:
    return server.order("change/production", folder=str(folder), **parameters)


def _cancel(server: Server, run: str) -> None:
    """Click Cancel in the UI."""
    server.client.set_flow_run_state(UUID(run), Cancelling())


def _read(server: Server, run: str) -> Any:
    return server.client.read_flow_run(UUID(run))


def _wait_for(path: Path) -> None:
    wait_until(path.exists, path.name)


def _wait_for_state(server: Server, run: str, name: str) -> None:
    wait_until(lambda: server.run_state(run) == name, f"the run to be {name}")


def _log(server: Server, run: str) -> str:
    mine = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run)]))
    return "\n".join(line.message for line in server.client.read_logs(mine))


def _has_ended(pid: int) -> bool:
    """Return whether a process is gone; a killed worker's may have nobody who takes its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _changing(server: Server, folder: Path, **parameters: Any) -> str:
    """Return a run that is past its first change."""
    (folder / "checked").touch()
    run = _order(server, folder, **parameters)
    _wait_for(folder / "changing")
    return run


def _left_before_its_change(server: Server, folder: Path) -> str:
    """Return a run that waits for the file `GATE` before its first change; its worker is gone."""
    (folder / "checked").touch()
    with working(server) as worker:
        run = _order(server, folder, before=str(folder / GATE))
        _wait_for_state(server, run, "Running")
        os.killpg(worker.pid, signal.SIGKILL)
    return run


def test_before_the_first_change_a_cancel_ends_the_run_and_its_programs(
    worker: Server, tmp_path: Path
):
    run = _order(worker, tmp_path)
    _wait_for(tmp_path / "pid")
    _cancel(worker, run)

    _wait_for_state(worker, run, "Cancelled")
    assert (tmp_path / "left").exists()  # which SIGKILL would not have let it write
    assert not _is_alive(int((tmp_path / "pid").read_text()))
    assert not (tmp_path / "ended").exists()
    assert not (tmp_path / "changing").exists()


def test_past_the_first_change_the_run_goes_on_for_longer_than_prefect_waits(
    worker: Server, tmp_path: Path
):
    run = _changing(worker, tmp_path)
    _cancel(worker, run)
    _wait_for_state(worker, run, "Finishing")
    assert _read(worker, run).state.message == TOO_LATE
    wait_until(lambda: TOO_LATE in _log(worker, run), "the log to say so")

    _cancel(worker, run)
    time.sleep(LONGER_THAN_PREFECT_WAITS_S)
    wait_until(lambda: worker.run_state(run) == "Finishing", "the run to say again that it goes on")

    (tmp_path / "changed").touch()
    _wait_for_state(worker, run, "Completed")
    assert _read(worker, run).state.message == (
        "release 2 serves (a cancel came too late: the target was being changed)"
    )


def test_a_change_that_fails_after_a_cancel_says_what_was_left(worker: Server, tmp_path: Path):
    run = _changing(worker, tmp_path, fails=True)
    _cancel(worker, run)
    _wait_for_state(worker, run, "Finishing")
    (tmp_path / "changed").touch()

    _wait_for_state(worker, run, "Failed")
    assert "left: Release 1 is serving again." in _read(worker, run).state.message


def test_a_cancel_that_no_worker_sees_ends_the_run_at_its_first_change(
    deployments: Server, tmp_path: Path
):
    run = _left_before_its_change(deployments, tmp_path)
    _cancel(deployments, run)
    (tmp_path / GATE).touch()

    _wait_for_state(deployments, run, "Cancelled")
    assert "the run was cancelled\nleft: Nothing was changed." in (
        _read(deployments, run).state.message
    )
    assert not (tmp_path / "changing").exists()
    # What it says of itself is its last word: no traceback follows.
    process = int(_read(deployments, run).labels[CHANGES_BY])
    wait_until(lambda: _has_ended(process), "the run's process to end")
    last = _log(deployments, run).splitlines()[-1]
    assert last.startswith("Finished in state Cancelled('the run was cancelled")


def test_what_the_server_calls_cancelled_changes_nothing_any_more(
    deployments: Server, tmp_path: Path
):
    """It does so five minutes after a cancel that no worker has seen to."""
    run = _left_before_its_change(deployments, tmp_path)
    deployments.client.set_flow_run_state(UUID(run), Cancelled(), force=True)
    (tmp_path / GATE).touch()

    wait_until(lambda: CHANGES_BY in _read(deployments, run).labels, "the first change")
    process = int(_read(deployments, run).labels[CHANGES_BY])
    wait_until(lambda: _has_ended(process), "the run's process to end")
    assert not (tmp_path / "changing").exists()
    assert deployments.run_state(run) == "Cancelled"


def test_a_cancel_that_no_worker_sees_is_answered_at_the_end(deployments: Server, tmp_path: Path):
    with working(deployments) as worker:
        run = _changing(deployments, tmp_path)
        os.killpg(worker.pid, signal.SIGKILL)
    _cancel(deployments, run)
    (tmp_path / "changed").touch()

    _wait_for_state(deployments, run, "Completed")
    assert "a cancel came too late" in _read(deployments, run).state.message


def test_a_machine_that_shuts_down_lets_the_change_end(worker: Server, tmp_path: Path):
    run = _changing(worker, tmp_path)
    os.kill(int(_read(worker, run).labels[CHANGES_BY]), signal.SIGTERM)
    wait_until(lambda: "told to stop (SIGTERM)" in _log(worker, run), "the log to say so")
    (tmp_path / "changed").touch()

    _wait_for_state(worker, run, "Completed")
    assert _read(worker, run).state.message == "release 2 serves"


def test_prefect_s_worker_cancels_by_what_is_replaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(*MADE_BY, CancellationManager)
    let_runs_finish()

    async def cancels_with() -> object:
        async with FlowRunExecutorContext() as context:
            return context._cancellation_manager

    assert isinstance(asyncio.run(cancels_with()), PatientCancellation)
