"""The faults: each strikes while a deploy stands between two steps, and is over afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.rehearsal import facts as addresses
from infra.rehearsal.shell import wait_until
from tests.rehearsal.faults.order import Told
from tests.rehearsal.faults.registry import Way, failing_registry
from tests.rehearsal.faults.target import ROOMY, Deploying, Target

if TYPE_CHECKING:
    from collections.abc import Generator


SILENT_S = 20.0
ENGINE_AWAY_S = 1.5
PULL_LIMIT_S = 4.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: What, in words for people.
        strike: Lets it happen to a deploy that stands still, lets that go on, ends the fault and
            returns what became of the deploy.
        goes_on_alone: Whether the host may go on with the plan after the deploy was cut off.
        pull_limit_s: How long the pull may take meanwhile, in seconds; None as the plan says.
    """

    name: str
    strike: Callable[[Target, Deploying], Told]
    goes_on_alone: bool = False
    pull_limit_s: float | None = None


def worker_killed(target: Target, deploying: Deploying) -> Told:
    """Kill the process; what it let the host do still runs when the next one comes."""
    deploying.process.kill()
    return deploying.end()


def connection_cut(target: Target, deploying: Deploying) -> Told:
    """End the login's sessions on the host; new ones are let in."""
    target.run("pkill", "-KILL", "-f", "sshd-session: deploy")
    time.sleep(1)
    target.go_on()
    return deploying.end()


def packets_dropped(target: Target, deploying: Deploying) -> Told:
    """Let neither side hear of the other for longer than the lease lasts."""
    rule = ("INPUT", "--protocol", "tcp", "--dport", "22", "--jump", "DROP")
    target.run("iptables", "--wait", "--insert", *rule)
    try:
        target.go_on()
        time.sleep(SILENT_S)
    finally:
        target.run("iptables", "--wait", "--delete", *rule)
    return deploying.end()


def engine_killed(target: Target, deploying: Deploying) -> Told:
    """Kill the engine while the deploy goes on, and start it again."""
    target.run("pkill", "-KILL", "-x", "dockerd")
    target.go_on()
    time.sleep(ENGINE_AWAY_S)
    target.run("sh", "-c", "service docker start >/dev/null 2>&1")
    wait_until(lambda: target.succeeds("docker", "info"), "the engine's return")
    return deploying.end()


def disk_full(target: Target, deploying: Deploying) -> Told:
    """Leave not a byte free where the application and the engine write."""
    # What others write in between would make it larger again: hence the second look.
    shrink = 'mount -o "remount,size=$(df --output=used --block-size=1K /srv/disk | tail -n 1)k" $1'
    target.run("sh", "-euc", f"{shrink} || {shrink}", "sh", "/srv/disk")
    try:
        target.go_on()
        return deploying.end()
    finally:
        target.run("mount", "-o", f"remount,size={ROOMY}", "/srv/disk")


def registry_fails(target: Target, deploying: Deploying) -> Told:
    """Let the registry answer 503 to everything."""
    with registry_instead(target, "503"):
        target.go_on()
        return deploying.end()


def registry_hangs(target: Target, deploying: Deploying) -> Told:
    """Let the registry take requests and answer none."""
    with registry_instead(target, "hang"):
        target.go_on()
        return deploying.end()


FAULTS = (
    Fault("worker killed", worker_killed),
    Fault("connection cut", connection_cut),
    Fault("packets dropped", packets_dropped, goes_on_alone=True),
    Fault("engine killed", engine_killed),
    Fault("disk full", disk_full),
    Fault("registry answers 503", registry_fails),
    Fault("registry hangs", registry_hangs, pull_limit_s=PULL_LIMIT_S),
)


@contextmanager
def registry_instead(target: Target, way: Way) -> Generator[None]:
    """Let a failing server answer a VM in the registry's place."""
    with failing_registry(addresses.PIPELINE, 0, way) as port:
        rule = ("OUTPUT", "--table", "nat", "--destination", addresses.REGISTRY, "--protocol",
                "tcp", "--dport", "443", "--jump", "DNAT",
                "--to-destination", f"{addresses.PIPELINE}:{port}")  # fmt: skip
        target.run("iptables", "--wait", "--insert", *rule)
        try:
            yield
        finally:
            target.run("iptables", "--wait", "--delete", *rule)
