"""One cell of the grid: a fault at a boundary of the plan, and what came of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rollout.commands.lease import parse_lease, read_lease_command
from rollout.executors.host import Host
from rollout.ledger import read_ledger
from rollout.model.lease import LeaseFacts
from tests.rehearsal.faults.order import plain
from tests.support.vm import LAYOUT, read

if TYPE_CHECKING:
    from tests.rehearsal.faults.breaking import Fault
    from tests.rehearsal.faults.order import Told
    from tests.rehearsal.faults.target import Target

OTHERS = {"caddy", "cloud-sql-proxy", "inngest", "typesense"}
_WORK = "docker compose|docker pull|docker exec|carry out a plan|only while this run holds"
_LEFTOVERS = ("find", LAYOUT.directory, "-name", "*.tmp", "-o", "-name", ".*.old")


@dataclass(frozen=True, slots=True)
class Cell:
    """What was seen.

    Attributes:
        fault: What went wrong.
        boundary: The step before which it did, or `the end`.
        ended: How the deploy ended: `killed`, `done`, or its error's type.
        served: `old` or `new`: what answered from outside once the fault was over.
        converged: What made the new version serve then: `retry` or `new run`.
        lost: How many requests were lost.
        problems: What was not as promised; empty means that the cell is green.
        seconds: How long it took.
    """

    fault: str
    boundary: str
    ended: str
    served: str
    converged: str
    lost: int
    problems: tuple[str, ...]
    seconds: float


def boundaries(target: Target, *, back: bool = False) -> tuple[str, ...]:
    """Return the boundaries of a plan, by the step that follows, from a run that goes well.

    Args:
        target: A VM that serves.
        back: Whether the run is a rollback to what is kept there; else it is a deploy.
    """
    version = target.kept_version() if back else target.next_version()
    told = target.deploy(target.order(version, "enumerates", back=back))
    return (*map(plain, told.steps), "the end")


def run_cell(
    target: Target,
    fault: Fault,
    at: int,
    names: tuple[str, ...],
    again: str,
    *,
    back: bool = False,
) -> Cell:
    """Let a fault strike a run and return what was seen, with all that is not as promised.

    Args:
        target: A VM that serves.
        fault: What goes wrong.
        at: Index of the boundary.
        names: The boundaries, by name.
        again: What converges afterwards: `retry` of the same run, or a `new run`.
        back: Whether the run is a rollback; else it is a deploy.
    """
    began, lost = time.monotonic(), len(target.load.lost)
    version = target.kept_version() if back else target.next_version()
    run_id = f"run-{next(target.numbers)}"
    order = partial(target.order, version, back=back)
    struck = order(run_id, before=at, pull_limit_s=fault.pull_limit_s)
    with target.stopped(struck) as deploying:
        problems = [] if deploying.process.poll() is None else ["it ended before its stop"]
        told = fault.strike(target, deploying)
        served = target.serving()
        problems += [] if tuple(map(plain, told.steps)) == names[:-1] else [f"its plan: {told}"]
        if not fault.goes_on_alone:
            problems += after_fault(told, served, version, switched=at > switch_of(names))
        run = run_id if again == "retry" else f"{run_id}-anew"
        problems += after_all(target, target.deploy(order(run)), version)
    gone = target.load.lost[lost:]
    ended = told.error or ("done" if told.done else "killed")
    answered = "new" if served[0] == version else "old"
    took_s = round(time.monotonic() - began, 1)
    problems += [f"lost {one}" for one in gone]
    return Cell(fault.name, names[at], ended, answered, again, len(gone), tuple(problems), took_s)


def switch_of(names: tuple[str, ...]) -> int:
    """Return the index of the point of no return."""
    return next(index for index, name in enumerate(names) if name.startswith("switch to"))


def after_fault(told: Told, served: tuple[str, str], version: str, *, switched: bool) -> list[str]:
    """Return what is not as promised once the fault is over and nobody has repaired anything."""
    found: list[str] = []
    passed = switched or told.done or bool(re.search(r"Release \d+ serves\.", told.left))
    if (served[0] == version) != passed:
        found.append(f"{served} served, and {version} should{'' if passed else ' not'}")
    for number in re.findall(r"Release (\d+) (?:is still serving|serves)", told.left):
        if served[1] != f"web-r{number}" and "or it was switched since" not in told.left:
            found.append(f"left says `{told.left}`, and {served[1]} served")
    return found


def after_all(target: Target, told: Told, version: str) -> list[str]:
    """Return what is not as promised once another run has converged."""
    if not told.done:
        return [f"the other run did not converge: {told.message or 'it was killed'}"]
    with Host(target.vm.address) as host:
        seen = read(host)
        lease = parse_lease(host.check(read_lease_command(LAYOUT), "look").stdout)
    ledger = read_ledger(seen.ledger)
    running = {one.service for one in seen.containers if one.status == "running"}
    number = ledger.current
    checks = {
        "deciding again": (told.again, "nothing to do"),
        "version from outside": (target.serving(), (version, f"web-r{number}")),
        "live release": (seen.live, f"web-r{number}"),
        "current release": (seen.current, number),
        "its stage in the ledger": (ledger.stages.get(number or 0), "verified"),
        "running containers": (running, OTHERS | {f"web-r{number}"}),
        "lease": (lease, LeaseFacts()),
        "left in memory": (target.run("ls", "-A", "/dev/shm").split(), []),
        "left on disk": (target.run(*_LEFTOVERS).split(), []),
        "left running": (target.succeeds("pgrep", "-f", _WORK), False),
        "stray containers": (stray(target, seen.releases), []),
    }
    return [
        f"{what}: {is_}, not {should}" for what, (is_, should) in checks.items() if is_ != should
    ]


def stray(target: Target, releases: dict[int, str]) -> list[str]:
    """Return the containers that belong to no release that the host keeps."""
    names = target.run("docker", "ps", "--all", "--format", "{{.Names}}").split()
    kept = OTHERS | {f"web-r{number}" for number in releases}
    return [one for one in names if one.removeprefix("trovella-").removesuffix("-1") not in kept]
