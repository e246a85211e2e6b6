"""What `bin/doctor` looks at beside Prefect: the target, and all that a deploy to it reads.

Each look returns what is true, or raises what is not as a deploy needs it, with what to do. What
facts lead to is decided by the domain, as in a run, so that doctor refuses what a deploy would.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from blocks import (
    load_app_database,
    load_artifact_registry,
    load_gcp_project,
    load_target_host,
)
from rollout.commands.host import ENGINE_SILENT, parse_host, read_host_command
from rollout.commands.lease import parse_lease, read_lease_command
from rollout.decide.bootstrap import decide_bootstrap
from rollout.decide.manifest import all_findings, findings_told, judge_manifest
from rollout.errors import AlertsUnavailable, CommandFailed, EngineError, RolloutError
from rollout.executors.files import workspace
from rollout.ledger import read_ledger
from rollout.manifest import Manifest
from rollout.model.command import Command
from rollout.model.finding import Refuse
from rollout.model.layout import Layout
from tasks.target import read_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout.config import Application, Environment
    from rollout.executors.host import Host
    from rollout.ledger import LedgerState
    from rollout.model.host import MachineFacts
    from rollout.model.lease import LeaseFacts
    from rollout.model.manifest import Places
    from rollout.model.secrets import Unusable

ENGINE_TIMEOUT_S = 5
"""How long this machine's engine may be silent, in seconds."""
GIB = 1024**3
SHORT = 12
_IN_LINE = "\n"
_BUILDS = "images are built where the worker runs"


def lease(settings: Environment) -> str:
    """Return who changes the target; a hold is not well, because it refuses every deploy."""
    with load_target_host(settings.blocks.target_host).executor() as host:
        read = host.check(
            read_lease_command(Layout(settings.application.directory)),
            "the lease could not be read",
            next_step="Log in to the host and look.",
        )
    return told_lease(parse_lease(read.stdout), settings.name)


def told_lease(facts: LeaseFacts, environment: str) -> str:
    """Return who has the lease.

    Args:
        facts: What the host says of it.
        environment: Whose target it is.

    Raises:
        RolloutError: When somebody keeps deploys back.
    """
    who = f"held by {facts.holder.describe()}" if facts.holder else "free"
    if facts.hold is None:
        return who
    raise RolloutError(
        f"{who}; held back by {facts.hold.describe()}: deploys and rollbacks are refused",
        next_step="Ask them, or let deploys go on with "
        f"`bin/release-hold --environment {environment}`.",
    )


def machine(settings: Environment) -> str:
    """Return what the host is; not well is what a deploy would refuse to be put on."""
    application = settings.application
    with load_target_host(settings.blocks.target_host).executor() as host:
        facts = read_machine(host, application)
        return told_machine(facts, application, host.address.user, host.address.host)


def told_machine(facts: MachineFacts, application: Application, user: str, address: str) -> str:
    """Return what a host is.

    Args:
        facts: What was read of it.
        application: What would be put there.
        user: The login that deploys.
        address: The host's name or address.

    Raises:
        RolloutError: When a deploy would be refused for what the host is.
    """
    engine, compose = facts.engine or "does not answer", facts.compose or "none"
    text = f"{facts.user}@{address}, engine {engine}, compose {compose}"
    text += f", {facts.running} containers, {facts.free_bytes / GIB:.1f} GiB free"
    decided = decide_bootstrap(facts, application, user)
    if isinstance(decided, Refuse):
        why = "; ".join(one.consequence for one in decided.findings)
        advice = " ".join(one.help for one in decided.findings)
        raise RolloutError(f"{text}; a deploy is refused: {why}", next_step=advice)
    return text


def releases(settings: Environment) -> str:
    """Return which release serves, which is current, and which was good before it."""
    with load_target_host(settings.blocks.target_host).executor() as host:
        return _told_releases(host, settings)


def _told_releases(host: Host, settings: Environment) -> str:
    application = settings.application
    read = host.run(read_host_command(application.directory, application.project))
    if read.exit_code == ENGINE_SILENT:
        # A login that no deploy has let into the engine's group yet.
        read = host.run(read_host_command(application.directory, application.project, as_root=True))
    if read.meaning:
        return f"none: {read.meaning}"
    if not read.ok:
        raise CommandFailed(
            "the releases could not be read", read, next_step="Log in to the host and look."
        )
    facts = parse_host(read.stdout)
    state = read_ledger(facts.ledger)
    live = f"live {facts.live or 'none'}"
    return f"{live}; current {_release(state.current, state)}; {_previous(state)}"


def _previous(state: LedgerState) -> str:
    return f"previous good {_release(state.previous_good, state)}"


def _release(number: int | None, state: LedgerState) -> str:
    if number is None:
        return "none"
    return f"{number} ({state.versions[number][:SHORT]}, {state.stage(number)})"


def variables(settings: Environment) -> str:
    """Return how the branch's files agree with the environment's, as quality would judge them."""
    from rollout.executors import git  # noqa: PLC0415 - import cost, as in blocks
    from rollout.executors.manifest import read_places  # noqa: PLC0415 - import cost, as in blocks

    if settings.manifest == Manifest():
        return "[manifest] names no file to hold against"
    source = git.checkout(
        settings.repository,
        settings.branch,
        settings.branch,
        workspace(settings.name),
        lambda _: None,
    )
    return told_variables(read_places(source, settings), settings, source.version.short)


def told_variables(places: Places, settings: Environment, version: str) -> str:
    """Return what is told of variables and secrets; warnings are no reason to be unwell.

    Args:
        places: What the commit's files name.
        settings: The environment.
        version: The commit, short.

    Raises:
        RolloutError: When quality would refuse the commit.
    """
    findings = all_findings(places, settings)
    if not findings:
        return f"declared and named alike at {version}"
    verdict = judge_manifest(places, settings)
    if isinstance(verdict, Refuse):
        refused = len(verdict.findings)
        told = f"{len(findings)} differences at {version}, for {refused} of which quality fails"
        raise RolloutError(
            _IN_LINE.join((told, findings_told(findings))),
            next_step="Correct the files, or deployments/*.toml.",
        )
    told = f"{len(findings)} differences at {version}, of which quality warns"
    return _IN_LINE.join((told, findings_told(findings)))


def registry(settings: Environment) -> str:
    """Return what the registry's tag for people names."""
    from rollout.executors.registry import Registry  # noqa: PLC0415 - import cost, as in blocks

    login = load_artifact_registry(settings.blocks.artifact_registry).login()
    build = settings.build
    found = Registry(login).digest(build.image, build.label) or "nothing was pushed yet"
    return f"{login.repository(build.image)}, {build.label}: {found}"


def builder(settings: Environment, workers: tuple[str, ...]) -> str:
    """Return whether this machine can build the image, which matters where a worker runs.

    Args:
        settings: The environment.
        workers: Names of the workers that are online.

    Raises:
        RolloutError: When a worker runs here, and it cannot.
    """
    here = socket.gethostname()
    try:
        return f"this machine ({here}): {_can_build(settings)}"
    except RolloutError as error:
        return told_unable(error, here, workers)


def told_unable(error: RolloutError, here: str, workers: tuple[str, ...]) -> str:
    """Return that a machine cannot build; nobody minds where no worker runs on it.

    Args:
        error: Why it cannot.
        here: The machine's name, with which those of its workers begin.
        workers: Names of the workers that are online.

    Raises:
        RolloutError: When one of them runs there.
    """
    text = f"this machine ({here}): {error.true}"
    if any(name.rpartition("-")[0] == here for name in workers):
        raise RolloutError(text, next_step=error.next_step) from error
    return f"{text}\nIt runs no worker that is online, and {_BUILDS}: look from there too."


def _can_build(settings: Environment) -> str:
    from rollout.executors.engine import engine  # noqa: PLC0415 - import cost, as in blocks
    from rollout.executors.process import run_local  # noqa: PLC0415 - import cost, as in blocks

    with engine(ENGINE_TIMEOUT_S):
        pass
    build = settings.build
    if not build.secrets and build.builder != "buildx":
        return "its engine answers"
    env = {name: os.environ[name] for name in ("DOCKER_CONFIG",) if name in os.environ}
    version = Command(("docker", "buildx", "version"), changes=False)
    found = run_local(version, cwd=Path.cwd(), env=env, log=lambda _: None)
    if not found.ok:
        raise EngineError(
            "its Docker has no buildx, which [build] needs for its secrets, or names",
            next_step="Install docker-buildx there.",
        )
    return f"its engine answers, {' '.join(found.stdout.split()[:2])}"


def secrets(settings: Environment) -> str:
    """Return how many secrets can be read; GitHub's token is told, and no deploy needs it."""
    from rollout.executors.secrets import LATEST  # noqa: PLC0415 - import cost, as in blocks

    store = load_gcp_project(settings.blocks.gcp_project).secret_store()
    needed = {*settings.secrets.values(), *settings.build.secrets.values()}
    read = store.read(needed)
    optional = settings.secret_names - needed
    token = store.look_at(dict.fromkeys(optional, LATEST))
    return told_secrets((*read, *token.values), token.unusable)


def told_secrets(read: Iterable[str], unusable: Mapping[str, Unusable]) -> str:
    """Return how many secrets can be read, and what does not work without GitHub's token.

    Args:
        read: Names of those that can be read.
        unusable: What is wrong with the token, by its name; empty when nothing is.
    """
    count = len(tuple(read))
    told = f"{count} of {count + len(unusable)} can be read"
    why = (
        f"GitHub's token {one.name} {one.why}: GitHub shows no deployments, and a rollback by "
        "revert or corrective opens no pull request"
        for one in unusable.values()
    )
    return _IN_LINE.join((told, *why))


def database(settings: Environment) -> str:
    """Return how many migrations the application's database holds."""
    from rollout.executors.database import Database  # noqa: PLC0415 - import cost, as in blocks

    address = load_app_database(settings.blocks.app_database).address()
    with Database(address, lambda _: None) as database:
        rows = database.held(settings.migrations)
    return f"{len(rows)} migrations applied"


def scratch(block: str) -> str:
    """Return whether the server of scratch databases lets its user in, and make databases.

    Args:
        block: What the environment's file calls its block.
    """
    from rollout.executors.scratch import (  # noqa: PLC0415 - import cost, as in blocks
        demand_rights,
        scratch_server,
    )

    with scratch_server(load_app_database(block).address(), lambda _: None) as admin:
        demand_rights(admin)
    return "its user may make databases, so migrations are tried there first"


def alerts(settings: Environment) -> str:
    """Return what Cloud Monitoring says; where that only warns, silence does so too."""
    try:
        newest = load_gcp_project(settings.blocks.gcp_project).alerts().newest()
    except AlertsUnavailable as error:
        if settings.verify.limits.alerts == "warn":
            return f"{error.true}\nverify only warns of that. {error.next_step}"
        raise
    still = sum(not one.closed_at for one in newest)
    return f"Cloud Monitoring answers, {still} are open"
