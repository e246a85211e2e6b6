"""One rehearsal from nothing to a serving release: what `bin/rehearse` does, step by step."""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from infra.rehearsal import (
    app,
    browser,
    cloud_machine,
    facts,
    github_rules,
    operations,
    pipeline,
    roots,
    targets,
    world,
)
from infra.rehearsal.app import packages
from infra.rehearsal.shell import RehearsalError, run, say, timed

if TYPE_CHECKING:
    from infra.rehearsal.machines import Machine
    from infra.rehearsal.paths import Rehearsal
    from infra.rehearsal.targets import Target

ENVIRONMENT = "rehearsal"
TARGETS = {"staging": targets.STAGING, "fleet": targets.FLEET}
PROBER = "prober"
APPROVER = "approver"
KIND_FILE = "application"
DRIZZLE = "tests/support/drizzle"
"""Projects of the real Drizzle that tests install, one for each of its layouts."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for.

    Attributes:
        kind: which application; None keeps the one that is there, or makes a plain one.
        commit: whether the next commit is made first.
        fault: what is wrong with that commit; None means nothing.
        deploy: whether anything is deployed; otherwise the world is stood up only.
        beside: which target stands beside production: releases are promoted from staging, and go to
            the fleet's hosts one after the other; None leaves production alone.
        compose: whether Prefect is to run as infra/prefect/compose.yml has it.
    """

    kind: Literal["plain", "next"] | None
    commit: bool
    fault: app.Fault | None
    deploy: bool
    beside: Literal["staging", "fleet"] | None = None
    compose: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a rehearsal came to.

    Attributes:
        commit: what was deployed, 40 hex digits.
        outcome: what the trigger told of the run.
        probe: what the prober counted.
        releases: number of the release that each host serves; empty where it serves none.
        seconds: of everything, from the start of the command.
        on_github: what GitHub shows of the run; empty when it shows nothing.
    """

    commit: str
    outcome: dict[str, Any]
    probe: dict[str, Any]
    releases: dict[str, str]
    seconds: float
    on_github: str


def stand_up(rehearsal: Rehearsal, order: Order) -> str:
    """Make `.venv`, the world, Prefect, the application and the worker, as far as they are missing.

    Returns:
        The commit that the application's main branch names.
    """
    roots.install_outer_packages()
    with ThreadPoolExecutor() as pool, timed("environment and roots"):
        environment = pool.submit(run, [str(rehearsal.checkout / "bin" / "setup")])
        pool.submit(roots.build_roots, rehearsal.cache).result()
        environment.result()
    world.stand_up(rehearsal, compose=order.compose)
    commit = prepare_application(rehearsal, order)
    # A world that is stood up without a deploy is there to try things in, Next.js among them.
    if application_kind(rehearsal, order) == "next" or not order.deploy:
        with timed("packages of Next.js and Drizzle"):
            provide_packages(rehearsal)
    if not order.deploy:
        browser.provide_browser(rehearsal)
    with timed("deployments registered, worker started"):
        register(rehearsal)
        if not pipeline.in_compose(rehearsal):
            pipeline.start_worker(rehearsal)
    if order.beside is not None:
        stand_up_target(rehearsal, TARGETS[order.beside])
    return commit


def stand_up_target(rehearsal: Rehearsal, target: Target) -> None:
    """Stand a target up in a world that stands, and register it."""
    file = targets.stand_up(rehearsal, target)
    register(rehearsal, target.environment, file)


def prepare_application(rehearsal: Rehearsal, order: Order) -> str:
    """Make the application's repository and perhaps its next commit; return main's commit."""
    repository = rehearsal.state / "git" / facts.REPOSITORY_NAME
    repository.parent.mkdir(exist_ok=True)
    kind = application_kind(rehearsal, order)
    commit = app.create(repository, kind)
    (rehearsal.state / KIND_FILE).write_text(kind, encoding="utf-8")
    return app.commit(repository, order.fault) if order.commit else commit


def application_kind(rehearsal: Rehearsal, order: Order) -> app.Kind:
    """Return which application is asked for; else the one that is there, else a plain one."""
    file = rehearsal.state / KIND_FILE
    kept = file.read_text(encoding="utf-8") if file.exists() else "plain"
    return cast("app.Kind", order.kind or kept)


def provide_packages(rehearsal: Rehearsal) -> None:
    """Fetch Next.js and Drizzle, while there is a network, with the lock file's own npm."""
    inside = pipeline.pipeline_environment(rehearsal)
    os.environ["PATH"] = inside["PATH"]
    packages.provide(rehearsal.cache / "next", Path(inside["HOME"]))
    for project in sorted((rehearsal.checkout / DRIZZLE).iterdir()):
        needed = {name: (project / name).read_bytes() for name in packages.NEEDED}
        packages.fetched(rehearsal.cache / "drizzle", needed)


def register(
    rehearsal: Rehearsal, environment_name: str = ENVIRONMENT, told: Path | None = None
) -> None:
    """Register blocks, pool, limits and deployments; doing it again changes nothing.

    Args:
        rehearsal: a world that stands.
        environment_name: which environment.
        told: the file with its facts; None takes `world.json`.
    """
    environment = pipeline.pipeline_environment(rehearsal)
    environment["REHEARSAL_WORLD"] = str(told or rehearsal.world)
    python = str(rehearsal.checkout / ".venv/bin/python")
    words = [python, "-m", "deployments.register", "--environment", environment_name]
    pipeline.pipeline(rehearsal).run(words, environment)


def deploy(rehearsal: Rehearsal, commit: str, begun: float, order: Order) -> Report:
    """Deploy a commit while the public address is asked all the time, and report.

    Args:
        rehearsal: a world that stands.
        commit: what to deploy.
        begun: when the command began, in seconds of the steady clock.
        order: to which target it goes, and on which way.

    Raises:
        RehearsalError: the run could not be started, so there is nothing to report.
    """
    fleet = targets.FLEET if order.beside == "fleet" else None
    start_prober(rehearsal, fleet.public_url if fleet else facts.PUBLIC_URL)
    environment = fleet.environment if fleet else ENVIRONMENT
    if order.beside == "staging":
        environment = targets.STAGING.environment
    outcome = trigger(rehearsal, ("deploy", "--environment", environment, "--commit", commit))
    # What staging refuses is reported, and nothing is promoted.
    if order.beside == "staging" and not outcome["exit_status"]:
        outcome = promote(rehearsal)
    probed = stop_prober(rehearsal)
    hosts = fleet.hosts(rehearsal) if fleet else (world.standing(rehearsal, "vm"),)
    return Report(
        commit,
        outcome,
        probed,
        {host.name: serving_release(host) for host in hosts},
        time.monotonic() - begun,
        github_rules.shown(github_knows(rehearsal), outcome["flow_run_id"]),
    )


def start_prober(rehearsal: Rehearsal, public_url: str) -> None:
    """Begin to ask a public address."""
    out = rehearsal.state / "probe.json"
    out.unlink(missing_ok=True)
    python = str(rehearsal.checkout / ".venv/bin/python")
    command = [python, "-m", "infra.rehearsal.probe", f"{public_url}/api/health", str(out)]
    environment = pipeline.base_environment(rehearsal)
    pipeline.pipeline(rehearsal).start(PROBER, command, environment)


def stop_prober(rehearsal: Rehearsal) -> dict[str, Any]:
    """End the prober and return what it counted."""
    pipeline.pipeline(rehearsal).end(PROBER)
    out = rehearsal.state / "probe.json"
    if not out.exists():
        raise RehearsalError(
            "the prober ended without its figures",
            "The run is over; whether requests were lost is not known.",
            f"Read {rehearsal.machine('pipeline')}/{PROBER}.log, then run bin/rehearse again.",
        )
    return json.loads(out.read_text(encoding="utf-8"))


def promote(rehearsal: Rehearsal) -> dict[str, Any]:
    """Promote what staging has verified, and approve it as a person in the UI would."""
    environment = pipeline.pipeline_environment(rehearsal)
    python = str(rehearsal.checkout / ".venv/bin/python")
    approve = [python, "-m", "infra.rehearsal.approve"]
    pipeline.pipeline(rehearsal).start(APPROVER, approve, environment)
    outcome = trigger(rehearsal, ("promote", "--environment", ENVIRONMENT))
    pipeline.pipeline(rehearsal).end(APPROVER)
    return outcome


def trigger(rehearsal: Rehearsal, words: tuple[str, ...]) -> dict[str, Any]:
    """Start a deployment, show its log as it comes, return what the trigger tells."""
    environment = pipeline.pipeline_environment(rehearsal)
    program = str(rehearsal.checkout / "bin/trigger")
    command = [*pipeline.pipeline(rehearsal).enter(environment), program, *words, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if not lines:
        raise RehearsalError(
            f"no run was started, the trigger ended with {done.returncode}",
            "What served before still serves.",
            "The lines above say why; after the repair run bin/rehearse again.",
        )
    return {**json.loads(lines[-1]), "exit_status": done.returncode}


def lose_prefect(rehearsal: Rehearsal, run: str) -> None:
    """Take Prefect's containers and volumes away, restore a backup, and see that a run is known.

    Raises:
        RehearsalError: something did not come back.
    """
    machine = operations.operations(rehearsal)
    with timed("Prefect lost with its volumes, restored from a backup"):
        backup = operations.back_up(machine)
        operations.lose(machine)
        operations.restore(machine, backup)
    environment = pipeline.pipeline_environment(rehearsal)
    prefect = str(rehearsal.checkout / ".venv/bin/prefect")
    told = pipeline.pipeline(rehearsal).run([prefect, "flow-run", "logs", run], environment)
    say(f"  its history is there: {len(told.splitlines())} lines of the log of run {run}")


def serving_release(host: Machine) -> str:
    """Return the number of the release that a host's `current` names; empty without one."""
    if not host.succeeds("test", "-L", "/opt/trovella/current"):
        return ""
    return Path(host.run("readlink", "/opt/trovella/current").strip()).name


def github_knows(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return what the stand-in for GitHub knows, as `github_rules.fresh` describes it."""
    store = cloud_machine.ensure_github_store(rehearsal)
    return json.loads(store.read_text(encoding="utf-8"))


def render(report: Report) -> str:
    """Return the report for a person: phases, release, requests, where to look."""
    outcome, probed = report.outcome, report.probe
    phases = [
        f"  {task['name']:<40} {task['state']:<12} {task['seconds']:6.1f} s"
        for task in outcome["tasks"]
    ]
    serving = [number or "(none)" for number in report.releases.values()]
    if len(serving) > 1:
        serving = [f"{one} on {host}" for one, host in zip(serving, report.releases, strict=True)]
    gap = probed["longest_gap_ms"]
    return "\n".join(
        [
            "",
            *phases,
            "",
            f"  {outcome['state']}: {outcome['message']}",
            f"  release {', '.join(serving)}, commit {report.commit}",
            f"  requests sent {probed['sent']}, lost {probed['lost']}"
            + (f", longest gap {gap} ms" if gap is not None else ""),
            f"  GitHub shows {report.on_github or 'nothing'}",
            f"  {outcome['seconds']:.1f} s the run, {report.seconds:.1f} s in all",
            f"  {outcome['url']}",
        ]
    )


def render_line(report: Report) -> str:
    """Return the report as one line of JSON."""
    outcome = {name: value for name, value in report.outcome.items() if name != "tasks"}
    document = {
        **outcome,
        "commit": report.commit,
        "release": next(iter(report.releases.values())),
        "releases": report.releases,
        "phases": report.outcome["tasks"],
        "requests": report.probe,
        "on_github": report.on_github,
        "seconds_in_all": round(report.seconds, 1),
    }
    return json.dumps(document)


def rehearse(rehearsal: Rehearsal, order: Order, *, as_json: bool) -> int:
    """Stand the world up, deploy, report; return the run's exit status."""
    begun = time.monotonic()
    commit = stand_up(rehearsal, order)
    if not order.deploy:
        say(f"  the world stands: infra/rehearsal/enter {rehearsal.name} bash")
        return 0
    report = deploy(rehearsal, commit, begun, order)
    say(render(report))
    if order.compose:
        lose_prefect(rehearsal, str(report.outcome["flow_run_id"]))
    if as_json:
        print(render_line(report), flush=True)
    return int(report.outcome["exit_status"])
