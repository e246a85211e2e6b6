"""The rehearsed fleet, as tests use it: its hosts, what each serves, what each has noted."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from prefect import get_client

from infra.rehearsal import pipeline, rehearse, targets
from infra.rehearsal.shell import wait_until
from infra.rehearsal.targets import FLEET
from tests.rehearsal.faults.runs import process_of
from tests.support.world import ROOT, Run, rehearsal, trigger

if TYPE_CHECKING:
    from collections.abc import Generator

    from infra.rehearsal.machines import Machine

PUBLIC = f"{FLEET.public_url}/api/health"
"""What the balancer is asked for."""


@contextmanager
def fleet() -> Generator[tuple[Machine, ...]]:
    """Yield the hosts, bare ones behind a balancer, the canary first; they are gone afterwards."""
    targets.remove(rehearsal(), FLEET)
    rehearse.stand_up_target(rehearsal(), FLEET)
    try:
        yield FLEET.hosts(rehearsal())
    finally:
        targets.remove(rehearsal(), FLEET)


def deploy(version: str) -> Run:
    """Deploy a commit to the fleet and wait for the run's end."""
    return trigger("deploy", deployment=FLEET.environment, commit=version)


def order(version: str) -> str:
    """Start a deploy of a commit to the fleet and return the run's id."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"deploy/{FLEET.environment}")
        run = client.create_flow_run_from_deployment(found.id, parameters={"commit": version})
    return str(run.id)


def kill_worker_and(run_id: str) -> None:
    """Kill the worker and a run's process, so that nobody is left to say how the run ended."""
    pipeline.pipeline(rehearsal()).end("worker", signal.SIGKILL)
    os.kill(process_of(run_id), signal.SIGKILL)


def start_worker() -> None:
    """Start another worker in the place of one that was killed."""
    pipeline.start_worker(rehearsal())


def wait_for_turn(host: Machine, version: str) -> None:
    """Wait until a version's folder lies on a host: its turn has begun, and has not ended."""
    found = f"grep --quiet --no-messages {version} /opt/trovella/releases/*/release.json"
    begun = lambda: host.succeeds("sh", "-c", found)  # noqa: E731
    wait_until(begun, f"the turn of {host.name}", timeout_s=560)


def has_lease(host: Machine) -> bool:
    """Return whether anybody has the right to change a host."""
    return not host.succeeds("flock", "--shared", "--nonblock", "/opt/trovella/lease/lock", "true")


@contextmanager
def other_settings() -> Generator[None]:
    """Let the fleet's file give the application another setting for a while."""
    file = ROOT / "deployments" / f"{FLEET.environment}.toml"
    former = file.read_text()
    assert former.count("http://inngest:8288") == 1
    file.write_text(former.replace("http://inngest:8288", "http://inngest:8289"))
    try:
        yield
    finally:
        file.write_text(former)


def serving(host: Machine) -> str:
    """Return the version that a host itself serves, as the balancer asks it."""
    url = f"http://{host.addresses[0]}/api/health"
    answer = httpx.get(url, headers={"Host": "fleet.trovella.ai"}, timeout=10)
    return str(answer.raise_for_status().json()["version"])


def noted(host: Machine, version: str) -> list[dict[str, Any]]:
    """Return what a host's ledger says of a version, the oldest entry first."""
    entries = map(json.loads, ledger(host).splitlines())
    return [one for one in entries if one["version"] == version]


def ledger(host: Machine) -> str:
    """Return the text of a host's ledger."""
    return host.run("cat", "/opt/trovella/ledger.jsonl")


def containers(host: Machine) -> list[str]:
    """Return the ids of the containers that run on a host."""
    return sorted(host.run("docker", "ps", "--quiet", "--no-trunc").split())
