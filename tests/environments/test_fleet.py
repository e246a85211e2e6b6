"""A target of three hosts behind a balancer: the canary gets a release first, then the others.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal.shell import wait_until
from infra.rehearsal.targets import FLEET
from tests.rehearsal.faults.runs import ended
from tests.support.fleet import (
    PUBLIC,
    containers,
    deploy,
    fleet,
    has_lease,
    kill_worker_and,
    ledger,
    noted,
    order,
    other_settings,
    serving,
    start_worker,
    wait_for_turn,
)
from tests.support.world import commit, newest, probing, retry, trigger

if TYPE_CHECKING:
    from collections.abc import Generator

    from infra.rehearsal.machines import Machine

pytestmark = pytest.mark.rehearsal

DECLARED_DEAD_S = 240.0
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
        wait_for_turn(third, version)
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
        run = trigger("rollback", deployment="rehearsal-fleet", reason="a test", actor="ada")

    assert run.exit_code == 0, run.log
    (version,) = {serving(host) for host in hosts}
    assert version != left
    assert [noted(host, version)[-1]["event"] for host in hosts] == ["verified"] * 3
    said = [noted(host, left)[-1] for host in hosts]
    assert [(one["event"], one["actor"], one["reason"]) for one in said] == [
        ("rolled-back", "ada", "a test")
    ] * 3
    assert probe.result()["lost"] == 0, probe.result()


def test_what_somebody_changed_on_a_further_host_is_named_with_it(hosts: tuple[Machine, ...]):
    second = hosts[1]
    look = partial(trigger, "drift", deployment=FLEET.environment)

    second.run("sh", "-c", "echo '# by hand' >> /opt/trovella/Caddyfile")
    try:
        drifted = look()
    finally:
        second.run("cp", "/opt/trovella/current/Caddyfile", "/opt/trovella/Caddyfile")
    after = look()

    assert (drifted.exit_code, drifted.state) == (1, "Drifted"), drifted.log
    assert ": file Caddyfile on rehearsal-fleet-2: expected as release " in drifted.message
    assert drifted.message.count("file Caddyfile") == 1, drifted.message
    assert (after.exit_code, "Caddyfile" in after.message) == (0, False), after.message


def test_verify_names_a_host_whose_application_was_stopped(hosts: tuple[Machine, ...]):
    *_, third = hosts
    web = f"trovella-{third.run('cat', '/opt/trovella/proxy/live').strip()}-1"

    third.run("docker", "stop", web)
    try:
        refused = trigger("verify", deployment=FLEET.environment)
    finally:
        third.run("docker", "start", web)
    healthy = ("docker", "inspect", "--format", "{{.State.Health.Status}}", web)
    wait_until(lambda: third.run(*healthy).strip() == "healthy", f"the health of {web}")

    assert refused.state == "Failed", refused.log
    assert "but not on every host of the target: rehearsal-fleet-3" in refused.message
    assert "It serves on 2 of 3 hosts. rehearsal-fleet-3: " in refused.message


def test_a_run_that_is_killed_between_two_hosts_goes_on_by_retry(hosts: tuple[Machine, ...]):
    canary, second, third = hosts
    former, version = serving(canary), commit()
    untouched = ledger(third), containers(third)

    with probing(PUBLIC) as probe:
        run_id = order(version)
        wait_for_turn(second, version)
        kill_worker_and(run_id)
        wait_until(lambda: not any(map(has_lease, hosts)), "the end of the leases")

        assert serving(canary) == version
        assert serving(second) in (former, version)
        assert serving(third) == former
        assert (ledger(third), containers(third)) == untouched

        done = containers(canary)
        start_worker()
        dead = lambda: ended(run_id) == "Crashed"  # noqa: E731
        wait_until(dead, "the run's state", timeout_s=DECLARED_DEAD_S)
        run = retry(run_id)

    assert run.state == "Completed", run.log
    assert [serving(host) for host in hosts] == [version] * 3
    assert [noted(host, version)[-1]["event"] for host in hosts] == ["verified"] * 3
    assert len({noted(host, version)[-1]["release"] for host in hosts}) == 1
    assert containers(canary) == done
    assert not any(map(has_lease, hosts))
    assert probe.result()["lost"] == 0, probe.result()


def test_a_canary_that_dies_in_its_turn_ends_the_run_before_any_other_host(
    hosts: tuple[Machine, ...],
):
    canary, *others = hosts
    former, version = serving(canary), commit()
    untouched = [(ledger(host), containers(host)) for host in others]

    with probing(PUBLIC) as probe, ThreadPoolExecutor() as pool:
        deploying = pool.submit(deploy, version)
        wait_for_turn(canary, version)
        canary.kill()
        run = deploying.result()

    assert run.state == "Failed", run.log
    for told in ("rehearsal-fleet-host: ", "\nleft: ", "\nnext: "):
        assert told in run.message, run.message
    assert [(ledger(host), containers(host)) for host in others] == untouched
    assert [serving(host) for host in others] == [former] * 2
    assert not any(map(has_lease, others))
    assert probe.result()["lost"] == 0, probe.result()

    canary.boot()
    wait_until(lambda: canary.succeeds("docker", "version"), "the engine of the canary")
    run = deploy(version)

    assert run.exit_code == 0, run.log
    assert [serving(host) for host in hosts] == [version] * 3
    assert [noted(host, version)[-1]["event"] for host in hosts] == ["verified"] * 3
    assert not any(map(has_lease, hosts))


def test_a_host_gets_no_release_whose_settings_are_others_by_now(hosts: tuple[Machine, ...]):
    *_, third = hosts
    left = serving(third)
    entries = map(json.loads, ledger(third).splitlines())
    verified = [one for one in entries if one["event"] == "verified" and one["version"] != left]
    number, version = verified[-1]["release"], verified[-1]["version"]
    third.run("docker", "rm", "--force", f"trovella-web-r{number}-1")
    third.run("rm", "--recursive", f"/opt/trovella/releases/{number}")

    with other_settings(), probing(PUBLIC) as probe:
        run = trigger("rollback", deployment=FLEET.environment, to=version, reason="a test")

    assert run.state == "Failed", run.log
    assert f"another .env now than release {number} has" in run.message, run.message
    assert [serving(host) for host in hosts] == [left] * 3
    assert not any(map(has_lease, hosts))
    assert probe.result()["lost"] == 0, probe.result()
