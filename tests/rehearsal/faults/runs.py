"""The faults that only a whole run meets: its process, Prefect's server and the registry go.

Each run is started as by the trigger and executed by the worker. Then it is retried, as in the UI.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.states import Crashed

from infra.rehearsal import facts as addresses
from infra.rehearsal import pipeline
from infra.rehearsal.cloud_machine import cloud, ensure_passwords
from infra.rehearsal.machines import fresh_vm
from infra.rehearsal.shell import wait_until
from rollout.ledger import read_ledger
from rollout.render.form import as_offered, choices_of
from tests.rehearsal.faults.cell import OTHERS, Cell
from tests.support.world import (
    commit,
    health,
    on_host,
    probing,
    rehearsal,
    retry,
    serving_version,
    trigger,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.rehearsal.faults.registry import Way

END_LIMIT_S = 480.0
# Prefect tells the death of a process twice; a retry in between would be overwritten by the second.
TOLD_TWICE_S = 4.0
FAILING = "failing-registry"


Flow = Literal["deploy", "rollback", "verify"]


@dataclass(frozen=True, slots=True)
class RunFault:
    """Something that goes wrong while a run is in a phase.

    Attributes:
        name: What, in words for people.
        phase: The task that has begun when it happens.
        strike: Does it to a run.
        goes_on: Whether the run is to end well by itself, without a retry.
        gives_way: Whether a newer run has the target by then, to which a retry gives way.
        flow: The run's flow.
    """

    name: str
    phase: str
    strike: Callable[[str], None]
    goes_on: bool = False
    gives_way: bool = False
    flow: Flow = "deploy"


def kill_run(run_id: str) -> None:
    """Kill a run's process; its worker lives on."""
    os.kill(process_of(run_id), signal.SIGKILL)


def server_gone(run_id: str) -> None:
    """Kill Prefect's server and start it again."""
    pipeline.pipeline(rehearsal()).end("prefect-server", signal.SIGKILL)
    time.sleep(5)
    pipeline.start_server(rehearsal(), ensure_passwords(rehearsal()))


def registry_fails(run_id: str) -> None:
    """Let the registry answer 503 until the run has ended."""
    with registry_instead("503"):
        end_of(run_id)


def registry_hangs(run_id: str) -> None:
    """Let the registry answer nothing until the run has ended."""
    with registry_instead("hang"):
        end_of(run_id)


def connection_cut(run_id: str) -> None:
    """End the login's SSH sessions on the host; new ones are let in."""
    vm = fresh_vm(rehearsal(), "vm", addresses.VM)
    vm.run("pkill", "-KILL", "-f", "sshd-session: deploy")


def paused_and_followed(run_id: str) -> None:
    """Pause a run, declare it Crashed as the automation does, deploy anew, then wake it."""
    process = process_of(run_id)
    os.kill(process, signal.SIGSTOP)
    try:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(UUID(run_id), Crashed(message="a test"), force=True)
            version = client.read_flow_run(UUID(run_id)).parameters["commit"]
        assert trigger("deploy", commit=version).state == "Completed"
        before = on_host("cat /opt/trovella/ledger.jsonl; docker ps --no-trunc --quiet")
    finally:
        os.kill(process, signal.SIGCONT)
    wait_until(lambda: not Path(f"/proc/{process}").exists(), "the woken run's end", timeout_s=120)
    assert on_host("cat /opt/trovella/ledger.jsonl; docker ps --no-trunc --quiet") == before


RUN_FAULTS = (
    RunFault("run killed", "quality", kill_run),
    RunFault("run killed", "build-push", kill_run),
    RunFault("run killed", "migrate-prod", kill_run),
    RunFault("run killed", "deploy-prod", kill_run),
    RunFault("run killed", "verify", kill_run),
    RunFault("Prefect's server gone", "build-push", server_gone, goes_on=True),
    RunFault("Prefect's server gone", "deploy-prod", server_gone, goes_on=True),
    RunFault("Prefect's server gone", "verify", server_gone, goes_on=True),
    RunFault("registry answers 503", "quality", registry_fails),
    RunFault("registry hangs", "quality", registry_hangs),
    RunFault(
        "run paused, declared Crashed, followed",
        "deploy-prod",
        paused_and_followed,
        gives_way=True,
    ),
    RunFault("run killed", "rollback: choose", kill_run, flow="rollback"),
    RunFault("run killed", "rollback", kill_run, flow="rollback"),
    RunFault("run killed", "verify", kill_run, flow="rollback"),
    RunFault("Prefect's server gone", "rollback", server_gone, goes_on=True, flow="rollback"),
    RunFault("Prefect's server gone", "verify", server_gone, goes_on=True, flow="rollback"),
    RunFault("connection cut", "verify", connection_cut, goes_on=True, flow="rollback"),
    RunFault("run killed", "verify", kill_run, flow="verify"),
    RunFault("connection cut", "verify", connection_cut, goes_on=True, flow="verify"),
)


def prepare() -> None:
    """Let a first release serve."""
    run = trigger("deploy", commit=commit())
    assert run.exit_code == 0, run.log


def run_cell(fault: RunFault) -> Cell:
    """Let a fault strike a run and return what was seen, with all that is not as promised."""
    began, former = time.monotonic(), serving_version()
    version = wanted_by(fault.flow, former)
    with probing() as probe:
        run_id = order(fault.flow, version)
        wait_until(
            lambda: state_of(run_id, fault.phase) not in ("", "Pending") or ended(run_id) != "",
            f"{fault.phase} of {run_id}",
            timeout_s=END_LIMIT_S,
        )
        fault.strike(run_id)
        state, served = end_of(run_id), serving_version()
        problems = [] if served in (former, version) else [f"{served} served"]
        if state != "Completed":
            if fault.goes_on:
                problems.append(f"the run did not go on by itself: {state}")
            time.sleep(TOLD_TWICE_S)
            second = retry(run_id)
            wanted = "Superseded" if fault.gives_way else "Completed"
            problems += [] if second.state == wanted else [f"retry: {second.log}"]
    lost = int(probe.result()["lost"])
    problems += [f"lost {lost}: {probe.result()}"] if lost else []
    return Cell(
        fault=fault.name,
        boundary=fault.phase if fault.flow == "deploy" else f"{fault.phase} of a {fault.flow}",
        ended=state,
        served="new" if served == version else "old",
        converged="itself" if state == "Completed" else "retry",
        lost=lost,
        problems=(*problems, *after_all(version)),
        seconds=round(time.monotonic() - began, 1),
    )


def after_all(version: str) -> list[str]:
    """Return what is not as promised once the run has come to its end."""
    ledger = read_ledger(on_host("cat /opt/trovella/ledger.jsonl"))
    web = f"web-r{ledger.current}"
    running = on_host("docker ps --format '{{.Names}}'").split()
    seen = health()
    checks = {
        "version from outside": (seen["version"], version),
        "live release": (seen["release"], web),
        "its stage in the ledger": (ledger.stages.get(ledger.current or 0), "verified"),
        "running": (sorted(running), sorted(f"trovella-{one}-1" for one in {*OTHERS, web})),
        "left in memory": (on_host("ls -A /dev/shm"), ""),
    }
    return [
        f"{what}: {is_}, not {should}" for what, (is_, should) in checks.items() if is_ != should
    ]


def wanted_by(flow: Flow, former: str) -> str:
    """Return the version that serves once a run has ended well."""
    if flow == "deploy":
        return commit()
    if flow == "verify":
        return former
    entries = read_ledger(on_host("cat /opt/trovella/ledger.jsonl")).entries
    good = [one.version for one in entries if one.event == "verified" and one.version != former]
    return good[-1] if good else _deployed_before(former)


def _deployed_before(version: str) -> str:
    """Return a version that a newer one has taken the place of: there was one only."""
    run = trigger("deploy", commit=commit())
    assert run.exit_code == 0, run.log
    return version


def order(flow: Flow, version: str) -> str:
    """Start a run and return its id."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{flow}/rehearsal")
        offered = choices_of(found.parameter_openapi_schema or {})
        parameters: dict[Flow, dict[str, str]] = {
            "deploy": {"commit": version},
            "rollback": {"to": as_offered(version, offered), "reason": "a fault"},
            "verify": {},
        }
        run = client.create_flow_run_from_deployment(found.id, parameters=parameters[flow])
    return str(run.id)


def ended(run_id: str) -> str:
    """Return the name of a run's last state; empty while it is none."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(run_id)).state
    return (state.name or "") if state is not None and state.is_final() else ""


def end_of(run_id: str) -> str:
    """Wait for a run's end and return its state."""
    wait_until(lambda: ended(run_id) != "", f"the end of {run_id}", timeout_s=END_LIMIT_S)
    return ended(run_id)


def state_of(run_id: str, phase: str) -> str:
    """Return the state of the newest task run of a phase; empty when there is none."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)]))
    with get_client(sync_client=True) as client:
        tasks = [one for one in client.read_task_runs(flow_run_filter=wanted) if one.name == phase]
    return (tasks[-1].state_name or "") if tasks else ""


def process_of(run_id: str) -> int:
    """Return the pid of a run's own process."""
    named = f"PREFECT__FLOW_RUN_ID={run_id}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if named in (folder / "environ").read_bytes().split(b"\0") and leads(folder):
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"run {run_id} has no process")


def leads(process: Path) -> bool:
    """Return whether a process leads its session, as a run's own does."""
    return (process / "stat").read_text().rpartition(")")[2].split()[3] == process.name


@contextmanager
def registry_instead(way: Way) -> Generator[None]:
    """Let a failing server answer everybody in the registry's place."""
    machine, place = cloud(rehearsal()), pipeline.stand_ins(rehearsal())
    words = [sys.executable, "-m", "tests.rehearsal.faults.registry", addresses.REGISTRY, "443"]
    environment = {
        **pipeline.base_environment(rehearsal()),
        "REHEARSAL_WORLD": os.environ["REHEARSAL_WORLD"],
    }
    machine.run("cloud-service", "stop", "registry")
    with ExitStack() as after:
        after.callback(machine.run, "cloud-service", "start", "registry")
        after.callback(place.end, FAILING, signal.SIGKILL)
        place.start(FAILING, [*words, way], environment)
        yield
