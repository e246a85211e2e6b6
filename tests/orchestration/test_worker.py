"""The worker drains: told to stop, it ends when its runs have ended, and never ends one."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prefect.states import AwaitingRetry, Crashed

from tests.orchestration.prefect_server import Server, wait_until, working

if TYPE_CHECKING:
    import subprocess


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The file that a run waits for; it does not exist yet."""
    return tmp_path / "open"


def _start_run(server: Server, gate: Path) -> str:
    run = server.order("deploy/production", commit="1", environment="production", reason=str(gate))
    wait_until(lambda: server.run_state(run) == "Running", "the run to start")
    return run


def _log(server: Server) -> str:
    return (Path(server.environment["PREFECT_HOME"]) / "worker.log").read_text()


def _tell(process: subprocess.Popen[bytes], how: signal.Signals, server: Server) -> None:
    told = _log(server).count("worker: draining")
    process.send_signal(how)
    wait_until(lambda: _log(server).count("worker: draining") > told, "the worker to say so")


def test_a_stopped_worker_lets_its_run_end_and_takes_no_other(deployments: Server, gate: Path):
    with working(deployments) as worker:
        run = _start_run(deployments, gate)
        _tell(worker, signal.SIGTERM, deployments)
        later = deployments.order("deploy/production", commit="2", environment="production")
        time.sleep(3)  # three looks for runs

        assert worker.poll() is None
        assert deployments.run_state(later) == "Scheduled"

        gate.touch()
        assert worker.wait(timeout=180) == 0
        assert deployments.run_state(run) == "Completed"
        assert deployments.run_state(later) == "Scheduled"
    deployments.client.delete_flow_run(later)


def test_an_idle_worker_ends_at_once(deployments: Server):
    with working(deployments) as worker:
        before = _log(deployments).count("started!")
        wait_until(lambda: _log(deployments).count("started!") > before, "the worker to start")
        worker.send_signal(signal.SIGINT)

        assert worker.wait(timeout=120) == 0


@pytest.mark.parametrize("why", ["the limit", "a second signal"])
def test_a_worker_that_may_not_wait_leaves_its_run_alive(deployments: Server, gate: Path, why: str):
    options = ("--drain-timeout-s", "0.5") if why == "the limit" else ()
    with working(deployments, *options) as worker:
        run = _start_run(deployments, gate)
        _tell(worker, signal.SIGTERM, deployments)
        if why == "a second signal":
            worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=120) == 1
        assert "left: they go on without a worker" in _log(deployments)

    gate.touch()
    wait_until(lambda: deployments.run_state(run) == "Completed", "the run to end by itself")


def test_a_retry_waits_until_the_former_try_has_ended(deployments: Server, gate: Path):
    with working(deployments) as worker:
        run = _start_run(deployments, gate)
        for state in (Crashed(), AwaitingRetry()):
            deployments.client.set_flow_run_state(UUID(run), state, force=True)
        time.sleep(3)  # three looks for runs

        assert worker.poll() is None
        assert deployments.run_state(run) == "AwaitingRetry"

        gate.touch()
        wait_until(lambda: deployments.run_state(run) == "Completed", "the run to end")
        assert worker.poll() is None


def test_a_killed_worker_leaves_its_run_alive(deployments: Server, gate: Path):
    with working(deployments) as worker:
        run = _start_run(deployments, gate)
        os.killpg(worker.pid, signal.SIGKILL)  # as a terminal or a supervisor reaches a group

    gate.touch()
    wait_until(lambda: deployments.run_state(run) == "Completed", "the run to end by itself")
