"""A run whose process is gone becomes Crashed within two minutes; a healthy one never does."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.states import Submitting

from tests.orchestration import sample_flows
from tests.orchestration.prefect_server import wait_until, working

if TYPE_CHECKING:
    from tests.orchestration.prefect_server import Server

GUARANTEED_S = 120.0
# Registering everything would put the real deployments in the place of the sample ones.
DECLARE = """
import asyncio
from prefect.client.orchestration import get_client
from deployments.automations import declare_zombie_automation

async def main():
    async with get_client() as client:
        await declare_zombie_automation(client)

asyncio.run(main())
"""


def _declare(server: Server) -> None:
    declared = server.python("-c", DECLARE)
    assert declared.returncode == 0, declared.stderr


def _process_of(run: str) -> int:
    """Return the pid of a run's own process."""
    named = f"PREFECT__FLOW_RUN_ID={run}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found = named in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if found and b"prefect" in (folder / "cmdline").read_bytes():
            return int(folder.name)
    raise AssertionError(f"run {run} has no process")


def _order(server: Server, gate: Path, commit: str) -> str:
    run = server.order("deploy/production", commit=commit, reason=str(gate))
    wait_until(lambda: server.run_state(run) == "Running", "the run to start")
    return run


def _asked(server: Server) -> str:
    """Return a run of no work pool: no worker takes it."""
    return str(server.client.create_flow_run(sample_flows.ending, parameters={}).id)


def _states(server: Server, run: str) -> list[str]:
    return [state.name for state in server.client.read_flow_run_states(UUID(run))]


def test_a_dead_run_is_declared_and_goes_on_by_retry_while_a_healthy_one_is_left_alone(
    deployments: Server, tmp_path: Path
):
    gate = tmp_path / "open"
    _declare(deployments)
    pending = _asked(deployments)
    deployments.client.set_flow_run_state(UUID(pending), Submitting())
    with working(deployments) as worker:
        healthy = _order(deployments, gate, "1" * 40)
        dead = _order(deployments, gate, "2" * 40)
        victim = _process_of(dead)
        worker.kill()
        os.kill(victim, signal.SIGKILL)
    # Whoever starts the worker again may register again as well: nothing is forgotten by that.
    _declare(deployments)

    wait_until(
        lambda: deployments.run_state(dead) == "Crashed", "the dead run's state", GUARANTEED_S
    )
    wait_until(
        lambda: deployments.run_state(pending) == "Crashed",
        "the one that never began",
        GUARANTEED_S,
    )
    # Longer than the automation waits for a heartbeat, the healthy run has been at work by now.
    assert _states(deployments, healthy)[-1] == "Running"
    gate.touch()
    wait_until(lambda: deployments.run_state(healthy) == "Completed", "the healthy run to end")
    assert "Crashed" not in _states(deployments, healthy)

    assert deployments.python("-m", "prefect", "flow-run", "retry", dead).returncode == 0
    with working(deployments):
        wait_until(lambda: deployments.run_state(dead) == "Completed", "the retry to end")
