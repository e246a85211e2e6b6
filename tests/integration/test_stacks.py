"""Three stacks of different shapes, their own files unchanged: each deploys, and loses nothing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from rollout.decide.verify import judge
from rollout.executors.clock import now_utc
from rollout.executors.probe import probe
from rollout.model.command import Command
from rollout.model.evidence import Evidence
from rollout.model.finding import Go
from tests.support.load import load_on
from tests.support.stacks import (
    deploy,
    extended,
    read,
    renamed,
    standing,
    wait_for_certificates,
    wikis,
)

if TYPE_CHECKING:
    from rollout.executors.host import Host
    from rollout.model.release import Release
    from tests.support.stacks import Stack

pytestmark = pytest.mark.rehearsal

A, B, C = "a" * 40, "b" * 40, "c" * 40


def deploy_under_load(stack: Stack, host: Host, before: str, version: str) -> None:
    """Deploy a version while every site is asked all the time, and see that nothing was lost."""
    with ExitStack() as asking:
        loads = [asking.enter_context(load_on(site)) for site in stack.sites]
        release = deploy(stack, host, version)

    for load in loads:
        assert load.lost == [], proxys_errors(stack, host)
        assert load.sent > 40
        assert load.streams > 2
        assert load.versions == [before, version]
    assert_verified(stack, host, release)


def assert_verified(stack: Stack, host: Host, release: Release) -> None:
    """See what verify wants to see: health, version, and every container."""
    report = probe(stack.verify, release, stack.application.service)
    facts = read(stack, host)
    verdict = judge(Evidence(report, facts, Go()), release, stack.application, stack.verify)
    assert isinstance(verdict, Go), verdict


def proxys_errors(stack: Stack, host: Host) -> str:
    """Return what the proxy says of lost requests: the evidence of a test that fails."""
    name = f"{stack.application.project}-{stack.application.proxy}-1"
    result = host.run(Command(("docker", "logs", "--timestamps", name)))
    return "\n".join(line for line in result.stderr.splitlines() if '"level":"error"' in line)


def touched(host: Host, since: str) -> set[str]:
    """Return the services whose containers were made, started, stopped or removed since then."""
    service = '{{index .Actor.Attributes "com.docker.compose.service"}}'
    what = ("--filter", "type=container", "--format", f"{{{{.Action}}}} {service}")
    command = Command(("docker", "events", "--since", since, "--until", now_utc(), *what))
    told = ("create", "start", "stop", "destroy")
    lines = host.check(command, "read events").stdout.splitlines()
    return {line.split()[1] for line in lines if line.split()[0] in told}


def test_the_wikis_stack():
    stack = wikis()
    with standing(stack) as host:
        assert_verified(stack, host, deploy(stack, host, A))
        wait_for_certificates(stack)

        deploy_under_load(stack, host, A, B)
        since = now_utc()
        deploy_under_load(stack, host, B, C)

        assert touched(host, since) == {"web-r2", "web-r3"}
        moved = httpx.get("https://www.trovella.ai/page?a=1")
        assert (moved.status_code, moved.headers["location"]) == (
            301,
            "https://trovella.ai/page?a=1",
        )


def test_a_stack_with_other_names_another_port_and_another_place():
    stack = renamed()
    with standing(stack) as host:
        assert_verified(stack, host, deploy(stack, host, A))

        deploy_under_load(stack, host, A, B)
        since = now_utc()
        deploy_under_load(stack, host, B, C)

        assert touched(host, since) == {"app-r2", "app-r3"}
        assert httpx.get(stack.verify.url).headers["x-release"] == "app-r3"


def test_a_stack_with_a_worker_a_job_a_cache_two_networks_and_several_sites():
    stack = extended()
    with standing(stack) as host:
        assert_verified(stack, host, deploy(stack, host, A))
        wait_for_certificates(stack)

        deploy_under_load(stack, host, A, B)
        since = now_utc()
        deploy_under_load(stack, host, B, C)

        # What runs the application's code is of the release too; the cache keeps what it knows.
        assert touched(host, since) == {"web-r2", "web-r3", "worker", "schema"}
        worker = host.run(Command(("docker", "logs", "trovella-worker-1")))
        assert worker.stdout == "begun\n"
        moved = httpx.get("https://shop.example/old/page")
        assert (moved.status_code, moved.headers["location"]) == (302, "/api/health")
        assert httpx.get("https://shop.example/search/health").json() == {"ok": True}
        assert httpx.get("https://admin.shop.example/").status_code == 404
