"""A deploy or a rollback in a process of its own, so that it can be killed; it stops as it is told.

`python -m tests.rehearsal.faults.deploying`: reads an `Order`, writes what it came to as `Told`.
It is the order of both flows without Prefect: lease, facts, plan, carry out, verified. Where it
stops is a step of its own on the host, so nothing of the product knows of it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from rollout.decide.activate import decide_activation
from rollout.decide.releases import release_to_activate, releases_on
from rollout.errors import RolloutError
from rollout.executors.carry_out import carry_out
from rollout.executors.clock import now_utc
from rollout.executors.host import Host
from rollout.executors.lease import hold_lease
from rollout.model.command import Command, Secret, script
from rollout.model.lease import Claim
from rollout.model.plan import Plan, Step
from rollout.model.release import Image, Release, Version
from rollout.model.target import HostAddress
from tests.rehearsal.faults.order import AT, HELD, KEEPS_ONE, Order, Told, render
from tests.support.vm import COMPOSE, LAYOUT, REPOSITORY, VERIFY, files_of, login, note, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile

# A busy machine takes longer to ask for a health than a production may; that is not the fault here.
PATIENT = COMPOSE.replace("timeout: 5s", "timeout: 60s")
STOP = 'touch "$1"; while [ -e "$2" ]; do sleep 0.05; done'


def main() -> None:
    """Deploy as standard input says."""
    order = Order(**json.loads(sys.stdin.readline()))
    print(render(deploy(order, say)), flush=True)


def deploy(order: Order, log: Callable[[str], None]) -> Told:
    """Deploy with a lease of its own and return what it came to."""
    key = Secret(Path(order.key_file).read_text())
    claim = Claim(uuid4().hex, order.run_id, "a fault")
    address = HostAddress(order.host, "deploy", key, order.host_key)
    try:
        with Host(address, log=log) as host, hold_lease(host, LAYOUT, claim, wait_s=order.wait_s):
            return activate(order, host)
    except RolloutError as error:
        return Told((), type(error).__name__, str(error), error.left)


def activate(order: Order, host: Host) -> Told:
    """Make the order's version serve."""
    facts = read(host)
    release, files = earlier(order, facts) if order.back else newer(order, facts)
    decide = partial(
        decide_activation,
        release=release,
        files=files,
        application=KEEPS_ONE,
        login=login(),
        verify=VERIFY if order.back else None,
    )
    plan = decide(facts)
    told = Told(tuple(step.name for step in plan.steps))
    if order.before is not None:
        print(render(told), flush=True)
    carry_out(stopping(plan, order), host)
    note(host, release, "verified")
    try:
        again = decide(read(host))
    except RolloutError as error:
        # What it was to do is done by then; only the look at it may still meet the fault.
        raise error.leaving(plan.after) from error
    return replace(told, again=again.outline())


def newer(order: Order, facts: HostFacts) -> tuple[Release, tuple[RemoteFile, ...]]:
    """Return the release that a deploy makes of the order's version, and its folder.

    Its environment is its own, so what runs around it is looked at anew.
    """
    image = Image(REPOSITORY, order.digest)
    draft = Release(0, Version(order.version), image, now_utc(), "test", run_id=order.run_id)
    render_files = partial(
        files_of, compose=PATIENT, caddyfile=order.caddyfile, EDITION=order.version[:1]
    )
    return release_to_activate(facts, draft, render_files, KEEPS_ONE.service)


def earlier(order: Order, facts: HostFacts) -> tuple[Release, tuple[RemoteFile, ...]]:
    """Return the release of the order's version that the host has, and nothing to upload."""
    found = next(one for one in releases_on(facts)[::-1] if one.version.sha == order.version)
    return replace(found, run_id=order.run_id), ()


def stopping(plan: Plan, order: Order) -> Plan:
    """Return the plan with a stop before the order's step, and with the order's limit of a pull."""
    steps = [limited(step, order) for step in plan.steps]
    if order.before is not None:
        steps.insert(order.before, Step("stop", Command(script(STOP, AT, HELD))))
    return replace(plan, steps=tuple(steps))


def limited(step: Step, order: Order) -> Step:
    """Return a step with the order's limit, should it be the pull."""
    if order.pull_limit_s is None or not step.name.startswith("pull "):
        return step
    return replace(step, command=replace(step.command, timeout_s=order.pull_limit_s))


def say(text: str) -> None:
    """Say what happens where a person who looks for a failure's cause reads it."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
