"""Stacks of three shapes, each with a VM of its own, and the way a deploy takes them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from infra.rehearsal import app
from rollout.commands.host import parse_host, read_host_command
from rollout.config import Application, Verify
from rollout.decide.activate import decide_activation
from rollout.decide.bootstrap import decide_bootstrap
from rollout.decide.releases import next_release_number
from rollout.executors.carry_out import carry_out
from rollout.executors.clock import now_utc
from rollout.executors.host import Host
from rollout.model.command import Secret
from rollout.model.plan import Plan
from rollout.model.release import Release, Version
from rollout.render.release import release_files
from tasks.target import read_machine
from tests.support.vm import APPLICATION, bare_vm, good_image, login
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile

HERE = Path(__file__).parent
WIKIS = Path(app.__file__).parent / "template/infra"
CERTIFICATE_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Stack:
    """An application's own two files, and what its environment's file says of them.

    Attributes:
        vm: Name of the VM that it runs on.
        address: The VM's address.
        application: The table `[application]` of its environment.
        compose: Its compose file.
        caddyfile: Its Caddyfile.
        sites: Addresses that people ask, each answered by the web service.
        names: Names that lead to the VM; empty where people ask its address.
        settings: Variables of its `.env`, beside the database's.
    """

    vm: str
    address: str
    application: Application
    compose: str
    caddyfile: str
    sites: tuple[str, ...]
    names: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def verify(self) -> Verify:
        """Return what must be seen of it from outside."""
        return Verify(url=f"{self.sites[0]}/api/health", timeout_s=20)


def wikis() -> Stack:
    """Return the wiki's stack, file for file."""
    return Stack(
        vm="stack1",
        address="10.77.0.66",
        application=APPLICATION,
        compose=(WIKIS / "docker-compose.prod.yml").read_text(),
        caddyfile=(WIKIS / "Caddyfile").read_text(),
        sites=("https://trovella.ai",),
        names=("trovella.ai", "www.trovella.ai"),
        settings={
            "DATABASE_URL": facts()["database_url"].replace("10.77.0.11", "cloud-sql-proxy"),
            "REDIS_URL": facts()["redis_url"],
            "TYPESENSE_URL": "http://typesense:8108",
            "CLOUD_SQL_CONNECTION_NAME": "trovella-prod:us-central1:trovella",
        },
    )


def renamed() -> Stack:
    """Return a stack of two services with other names, another port, another place."""
    more = {"project": "shop", "directory": "/srv/shop", "service": "app", "proxy": "edge"}
    return Stack(
        vm="stack2",
        address="10.77.0.67",
        application=APPLICATION.model_copy(update={**more, "port": 8080}),
        compose=(HERE / "renamed/docker-compose.prod.yml").read_text(),
        caddyfile=(HERE / "renamed/Caddyfile").read_text(),
        sites=("http://10.77.0.67",),
        settings={"REDIS_URL": facts()["redis_url"], "TYPESENSE_URL": "http://search:8108"},
    )


def extended() -> Stack:
    """Return a stack with a worker, a job, a cache, two networks, and several sites."""
    return Stack(
        vm="stack3",
        address="10.77.0.68",
        application=APPLICATION,
        compose=(HERE / "extended/docker-compose.prod.yml").read_text(),
        caddyfile=(HERE / "extended/Caddyfile").read_text(),
        sites=("https://shop.example", "https://admin.shop.example/v1"),
        names=("shop.example", "www.shop.example", "admin.shop.example"),
    )


@contextmanager
def standing(stack: Stack) -> Generator[Host]:
    """Yield a bare, prepared VM to which the stack's names lead."""
    with (
        bare_vm(stack.vm, stack.address) as vm,
        Host(vm.address) as host,
        _named(stack),
    ):
        plan = decide_bootstrap(
            read_machine(host, stack.application), stack.application, host.address.user
        )
        assert isinstance(plan, Plan), plan
        carry_out(plan, host)
        host.reconnect()
        yield host


@contextmanager
def _named(stack: Stack) -> Generator[None]:
    """Let names lead to the stack's VM for a while; in such a file the last line wins."""
    table = Path(facts()["names"])
    before = table.read_text()
    table.write_text(f"{before}{stack.address} {' '.join(stack.names)}\n")
    try:
        yield
    finally:
        table.write_text(before)


def read(stack: Stack, host: Host) -> HostFacts:
    """Return what the stack has on its host."""
    application = stack.application
    command = read_host_command(application.directory, application.project)
    return parse_host(host.check(command, "read").stdout)


def deploy(stack: Stack, host: Host, version: str) -> Release:
    """Activate a version as deploy-prod does, and see that there is nothing left to do."""
    number = next_release_number(read(stack, host))
    release = Release(number, Version(version), good_image(version), now_utc(), actor="test")
    files = files_of(stack, release)
    facts = read(stack, host)
    plan = decide_activation(facts, release, files, stack.application, login(), stack.verify)
    carry_out(plan, host)
    again = decide_activation(read(stack, host), release, files, stack.application)
    assert again.describe() == "nothing to do"
    return release


def files_of(stack: Stack, release: Release) -> tuple[RemoteFile, ...]:
    """Return the folder of a stack's release."""
    said = {
        "DATABASE_URL": facts()["database_url"],
        "TYPESENSE_API_KEY": "key",
        **stack.settings,
    }
    return release_files(
        release,
        stack.application,
        compose=stack.compose,
        caddyfile=stack.caddyfile,
        variables={name: Secret(value) for name, value in said.items()},
    )


def wait_for_certificates(stack: Stack) -> None:
    """Return when every site answers."""
    deadline = time.monotonic() + CERTIFICATE_WITHIN_S
    for site in stack.sites:
        while True:
            try:
                assert httpx.get(f"{site}/api/health").status_code == httpx.codes.OK
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, f"{site} does not answer"
                time.sleep(0.1)
