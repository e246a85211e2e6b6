"""`python -m infra.bench.roll`: one roll over simulated hosts, measured in a process of its own.

It is run in a folder of links to this project's packages, whose `deployments` holds the environment
of the simulation and no other, and with a Prefect server that answers. The flow, its tasks, their
retries, leases, batches, looks and ledgers are the real ones.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from prefect import flow, get_client
from prefect.settings import get_current_settings
from prefect_gcp.credentials import GcpCredentials  # pyright: ignore[reportMissingTypeStubs]
from pydantic import SecretStr

from blocks import load_artifact_registry, load_target_host
from blocks.artifact_registry import ArtifactRegistry
from blocks.gcp_project import GcpProject
from blocks.target_host import TargetHost
from flows.target import Target
from infra.bench.answers import TOKEN_PATH, answering
from infra.bench.hosts_figures import Roll
from infra.bench.machine import Machine
from infra.bench.simulated import OWN, SimulatedHost
from rollout.executors.files import ENVIRONMENTS, read_environment
from rollout.model.hosts import HostResult
from rollout.model.release import Image, Release, Version
from rollout.render.release import release_files
from tasks.hosts import batches
from tasks.lease import target_lease
from tasks.ready import secret_store
from tasks.target import opened_by, tell

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host

ENVIRONMENT = "simulated"
PROJECT = "simulated-shared"
REPOSITORY = f"us-central1-docker.pkg.dev/{PROJECT}/app/web"
APPLICATION = Path(__file__).parents[1] / "rehearsal/app/template/infra"
OLD, NEW = 1, 2
_KIB_PER_MIB = 1024
_PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2ltdWxhdGVk\n-----END OPENSSH PRIVATE KEY-----\n"
_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZHNpbXVsYXRlZHNpbXVsYXRlZDA="


def environment_text(hosts: int, batch: str, port: int) -> str:
    """Return the environment's file for a canary and so many hosts beside it.

    Args:
        hosts: How many.
        batch: As `[hosts] batch` has it: a number, or a share such as `25%`.
        port: Where each host's application answers.
    """
    further = json.dumps([block(number) for number in range(1, hosts + 1)])
    size = f'"{batch}"' if batch.endswith("%") else batch
    return f"""\
name = "{ENVIRONMENT}"
repository = "nowhere"
secrets = {{}}

[blocks]
target_host = "{block(0)}"
gcp_project = "{ENVIRONMENT}"
artifact_registry = "{ENVIRONMENT}"
app_database = "{ENVIRONMENT}"

[hosts]
further = {further}
batch = {size}

[build]
dockerfile = "Dockerfile"

[migrations]
folder = "migrations"

[application]
project = "app"
compose = "docker-compose.prod.yml"
caddyfile = "Caddyfile"

[verify]
url = "http://app.simulated:{port}/api/health"
"""


def block(number: int) -> str:
    """Return the name of a host's block; 0 is the canary's."""
    return f"simulated-{number}"


def address(number: int) -> str:
    """Return a host's loopback address."""
    return f"127.9.{number // 250}.{number % 250 + 1}"


def release(number: int) -> Release:
    """Return the release of that number, made from nothing."""
    digit = f"{number:x}"
    return Release(
        number=number,
        version=Version(digit * 40),
        image=Image(REPOSITORY, f"sha256:{digit * 64}"),
        created_at="2026-11-26T03:00:00Z",
        actor="the bench",
        reason="to measure",
    )


def machines(hosts: int, settings: Environment) -> dict[str, Machine]:
    """Return the canary, which serves the new release, and the others, which serve the old one.

    Returns:
        Address to machine.
    """
    application = settings.application
    files = {
        number: release_files(
            release(number),
            application,
            compose=(APPLICATION / "docker-compose.prod.yml").read_text(encoding="utf-8"),
            caddyfile=(APPLICATION / "Caddyfile").read_text(encoding="utf-8"),
            variables={},
        )
        for number in (OLD, NEW)
    }
    made: dict[str, Machine] = {}
    for number in range(hosts + 1):
        machine = Machine(application.directory, application.service)
        machine.install(release(OLD), files[OLD])
        if number == 0:
            machine.install(release(NEW), files[NEW])
        made[address(number)] = machine
    return made


def save_blocks(hosts: int, port: int) -> None:
    """Save the blocks that the environment names; tokens are asked for at a port of the canary.

    A host's block is the same in every roll at one server, so one that is there is left.
    """
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key": key.decode(),
        "client_email": f"pipeline@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"http://{address(0)}:{port}{TOKEN_PATH}",
    }
    credentials = GcpCredentials.model_validate({"service_account_info": account})
    project = GcpProject(project=PROJECT, credentials=credentials)
    project.save(ENVIRONMENT, overwrite=True)
    registry = ArtifactRegistry(project=PROJECT, repository="app", gcp=project)
    registry.save(ENVIRONMENT, overwrite=True)
    _host(0).save(block(0), overwrite=True)
    with get_client(sync_client=True) as client:
        kind = TargetHost.get_block_type_slug()
        known = {one.name for one in client.read_block_documents_by_type(kind, limit=200)}
    for number in range(1, hosts + 1):
        if block(number) not in known:
            _host(number).save(block(number))


def _host(number: int) -> TargetHost:
    return TargetHost(host=address(number), private_key=SecretStr(_PEM), host_key=_HOST_KEY)


@flow(name="roll over simulated hosts")
def roll() -> tuple[HostResult, ...]:
    """Bring the new release from the canary to the others, under the target's lease."""
    with target_lease(ENVIRONMENT, "to measure"):
        return Target(ENVIRONMENT).spread(release(NEW))


def measured(hosts: int, batch: str, port: int) -> Roll:
    """Roll once, and return what it took."""
    (ENVIRONMENTS / f"{ENVIRONMENT}.toml").write_text(environment_text(hosts, batch, port))
    settings = read_environment(ENVIRONMENT)
    there = machines(hosts, settings)

    def opens(name: str) -> Host:
        known = load_target_host(name).address()
        return SimulatedHost(known, there[known.host], tell)

    save_blocks(hosts, port)
    with answering(there, port):
        # What is imported for the first token is no part of the roll.
        load_artifact_registry(settings.blocks.artifact_registry).login()
        secret_store(settings)
        counter = _Requests()
        own_s, cpu_s, began_s = OWN.seconds, _cpu_s(), time.monotonic()
        with opened_by(opens):
            results = roll()
        seconds = time.monotonic() - began_s
    # Here, because the time of the thread that answers is known when it has ended.
    used_s = _cpu_s() - cpu_s
    took = [one.seconds for one in results]
    return Roll(
        hosts=hosts,
        batch=batch,
        batches=len(batches(ENVIRONMENT)),
        served=sum(one.serves for one in results),
        seconds=seconds,
        host_s=median(took),
        longest_s=max(took),
        cpu_s=used_s - (OWN.seconds - own_s),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_PER_MIB,
        requests=counter.count,
    )


class _Requests(logging.Filter):
    """Counts what httpx says of its requests to Prefect's API, and keeps its lines from the log."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._url = get_current_settings().api.url or ""
        logger = logging.getLogger("httpx")
        logger.setLevel(logging.INFO)
        logger.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Count a line about Prefect's API."""
        self.count += self._url in record.getMessage()
        return False


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Roll as the command line says, and print what it took as a line of JSON."""
    parser = argparse.ArgumentParser(prog="infra.bench.roll", description=__doc__)
    parser.add_argument("--hosts", type=int, required=True)
    parser.add_argument("--batch", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    print(json.dumps(asdict(measured(given.hosts, given.batch, given.port))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
