"""A target of three hosts behind a balancer: the canary gets a release first, then the others.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal.shell import wait_until
from tests.support.fleet import PUBLIC, containers, deploy, fleet, ledger, noted, serving
from tests.support.world import commit, newest, probing, trigger

if TYPE_CHECKING:
    from collections.abc import Generator

    from infra.rehearsal.machines import Machine

pytestmark = pytest.mark.rehearsal

HAS_IT = "grep --quiet --no-messages {} /opt/trovella/releases/*/release.json"
"""Succeeds once a version's folder lies on a host: its turn has begun."""
NO_REGISTRY = "127.0.0.1 us-central1-docker.pkg.dev"


@pytest.fixture(scope="module")
def hosts() -> Generator[tuple[Machine, ...]]:
    """Yield the three hosts, the canary first."""
    with fleet() as machines:
        yield machines


def test_bare_hosts_get_the_same_release(hosts: tuple[Machine, ...]):
    version = commit()

    run = deploy(version)

    assert run.exit_code == 0, run.log
    assert [serving(host) for host in hosts] == [version] * 3
    last = [noted(host, version)[-1] for host in hosts]
    assert [one["event"] for one in last] == ["verified"] * 3
    assert len({one["release"] for one in last}) == 1
    turns = {f"deploy-prod: rehearsal-fleet-{number}" for number in (2, 3)}
    assert {"deploy-prod", *turns} <= run.tasks.keys()
    assert newest("hosts-rehearsal-fleet").count('"serves"') == 3


def test_the_canary_is_proved_before_the_next_is_touched_and_nothing_is_lost(
    hosts: tuple[Machine, ...],
):
    version = commit()

    with probing(PUBLIC) as probe:
        run = deploy(version)

    assert run.exit_code == 0, run.log
    assert [serving(host) for host in hosts] == [version] * 3
    turns = [noted(host, version) for host in hosts]
    for before, after in pairwise(turns):
        assert before[-1]["event"] == "verified"
        assert before[-1]["at"] <= after[0]["at"]
    assert probe.result()["lost"] == 0, probe.result()
    assert len(probe.result()["versions"]) == 2


def test_a_release_that_the_canary_refuses_comes_to_no_other_host(hosts: tuple[Machine, ...]):
    _, *others = hosts
    before, version = [ledger(host) for host in others], serving(hosts[0])

    with probing(PUBLIC) as probe:
        run = deploy(commit("start"))

    assert run.state == "Failed", run.log
    assert not [name for name in run.tasks if name.startswith("deploy-prod: rehearsal-fleet")]
    assert [ledger(host) for host in others] == before
    assert [serving(host) for host in hosts] == [version] * 3
    assert probe.result()["lost"] == 0, probe.result()


def test_a_host_that_dies_is_named_and_brought_up_to_the_others_later(hosts: tuple[Machine, ...]):
    *others, third = hosts
    version = commit()

    with probing(PUBLIC) as probe, ThreadPoolExecutor() as pool:
        deploying = pool.submit(deploy, version)
        begun = lambda: third.succeeds("sh", "-c", HAS_IT.format(version))  # noqa: E731
        wait_until(begun, "the turn of the third host", timeout_s=280)
        third.kill()
        run = deploying.result()

    assert run.state == "Failed", run.log
    assert "but not on every host of the target: rehearsal-fleet-3" in run.message
    assert "rehearsal-fleet-2" not in run.message
    assert [serving(host) for host in others] == [version] * 2
    assert probe.result()["lost"] == 0, probe.result()

    third.boot()
    wait_until(lambda: third.succeeds("docker", "version"), "the engine of the third host")
    before = [containers(host) for host in others]
    run = deploy(version)

    assert run.exit_code == 0, run.log
    assert serving(third) == version
    assert noted(third, version)[-1]["event"] == "verified"
    assert [containers(host) for host in others] == before


def test_what_fails_on_one_host_is_taken_back_on_all(hosts: tuple[Machine, ...]):
    *others, third = hosts
    version, refused = serving(third), commit()
    third.run("sh", "-c", f"echo {NO_REGISTRY} >> /etc/hosts")

    with probing(PUBLIC) as probe:
        run = deploy(refused)
    third.run("sh", "-c", "sed -i '$d' /etc/hosts")

    assert run.state == "RolledBack", run.log
    assert "rehearsal-fleet-3" in run.message
    assert [serving(host) for host in hosts] == [version] * 3
    for host in others:
        assert "verified" in [one["event"] for one in noted(host, refused)]
    assert probe.result()["lost"] == 0, probe.result()


def test_a_rollback_takes_every_host_back(hosts: tuple[Machine, ...]):
    left = serving(hosts[0])

    with probing(PUBLIC) as probe:
        run = trigger("rollback", deployment="rehearsal-fleet", reason="a test")

    assert run.exit_code == 0, run.log
    (version,) = {serving(host) for host in hosts}
    assert version != left
    assert [noted(host, version)[-1]["event"] for host in hosts] == ["verified"] * 3
    assert probe.result()["lost"] == 0, probe.result()
