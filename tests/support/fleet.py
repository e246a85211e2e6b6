"""The rehearsed fleet, as tests use it: its hosts, what each serves, what each has noted."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from infra.rehearsal import rehearse, targets
from infra.rehearsal.targets import FLEET
from tests.support.world import Run, rehearsal, trigger

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
