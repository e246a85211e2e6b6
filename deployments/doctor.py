"""`bin/doctor [--environment NAME]`: versions, who is reached, who is at work, what serves.

Everything is only read, and nothing secret is shown: what it prints is fit for pasting. One line
for each thing; a line that is not well says what to do next, and then the exit status is 1.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from blocks import (
    load_app_database,
    load_artifact_registry,
    load_gcp_project,
    load_target_host,
)
from deployments.server import UNANSWERED, demand_address, unanswered
from rollout.commands.host import parse_host, read_host_command
from rollout.commands.lease import parse_lease, read_lease_command
from rollout.config import Environment, parse_environment
from rollout.decide.hosts import at_host
from rollout.decide.manifest import all_findings, findings_told
from rollout.errors import CommandFailed, ConfigInvalid, RolloutError
from rollout.executors.files import workspace
from rollout.ledger import read_ledger
from rollout.manifest import Manifest
from rollout.model.layout import Layout
from tasks.target import read_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prefect.client.orchestration import SyncPrefectClient

    from rollout.executors.host import Host
    from rollout.ledger import LedgerState

ROOT = Path(__file__).resolve().parent.parent
OURS = ("prefect", "fastapi", "prefect-gcp", "docker", "fabric", "psycopg")
AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.PAUSED, StateType.CANCELLING]
GIB = 1024**3
SHORT = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        text: What is true of it.
        next_step: What to do; empty where all is well.
    """

    name: str
    text: str
    next_step: str = ""

    @property
    def well(self) -> bool:
        """Return whether there is nothing to do."""
        return not self.next_step


@dataclass(frozen=True, slots=True)
class Question:
    """A name, and how to find out; an error of the domain is the answer too."""

    name: str
    ask: Callable[[], str]

    def answer(self) -> Line:
        """Return the line."""
        try:
            return Line(self.name, self.ask())
        except RolloutError as error:
            return Line(self.name, error.true, error.next_step)
        except UNANSWERED as error:
            told = unanswered(error)
            return Line(self.name, told.true, told.next_step)


def examine(environment: str) -> Iterator[Line]:
    """Look at everything that a deploy to the environment needs, one after the other."""
    yield Line("python", f"{platform.python_version()} on {platform.platform()}")
    yield Line("packages", ", ".join(f"{name} {version(name)}" for name in OURS))
    settings_of = Question("environment", lambda: _environment(environment).repository)
    yield settings_of.answer()
    address = Question("prefect server", demand_address).answer()
    if not address.well:
        yield address
        return
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as api:
        server = Question("prefect server", api.api_version).answer()
        yield server
        if not server.well or not settings_of.answer().well:
            return
        settings = _environment(environment)
        for question in (*_at_work(settings, api), *_reached(settings)):
            yield question.answer()


def _at_work(settings: Environment, api: SyncPrefectClient) -> tuple[Question, ...]:
    return (
        Question("workers", lambda: _workers(api)),
        Question("at work", lambda: _runs(settings.name, api)),
    )


def _reached(settings: Environment) -> tuple[Question, ...]:
    return (
        Question("variables", lambda: _variables(settings)),
        Question("host", lambda: _machine(settings)),
        Question("lease", lambda: _lease(settings)),
        Question("releases", lambda: _releases(settings)),
        Question("registry", lambda: _registry(settings)),
        Question("secrets", lambda: _secrets(settings)),
        Question("database", lambda: _database(settings)),
        *(one for block in settings.hosts.further for one in _further(block, settings)),
    )


def _further(block: str, settings: Environment) -> tuple[Question, ...]:
    """Return what is asked of a further host of the target."""
    there = at_host(settings, block, block)
    return (
        Question(f"host {block}", lambda: _machine(there)),
        Question(f"releases {block}", lambda: _releases(there)),
    )


def _environment(name: str) -> Environment:
    path = ROOT / "deployments" / f"{name}.toml"
    try:
        return parse_environment(path.name, path.read_text())
    except OSError as error:
        raise ConfigInvalid(path.name, f"cannot be read: {error.strerror}") from None


def _workers(api: SyncPrefectClient) -> str:
    pools = [pool.name for pool in api.read_work_pools()]
    online = [
        worker.name
        for pool in pools
        for worker in api.read_workers_for_work_pool(pool)
        if worker.status == "ONLINE"
    ]
    if not online:
        raise RolloutError(
            f"no worker is online; pools: {', '.join(pools) or 'none'}",
            next_step="Start it where it belongs: docs/recover.md, The worker died.",
        )
    return ", ".join(online)


def _runs(environment: str, api: SyncPrefectClient) -> str:
    runs = api.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[environment])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=AT_WORK))
        ),
    )
    return "; ".join(f"{run.name} ({run.state_name}, {run.id})" for run in runs) or "nobody"


def _lease(settings: Environment) -> str:
    with load_target_host(settings.blocks.target_host).executor() as host:
        read = host.check(
            read_lease_command(Layout(settings.application.directory)),
            "the lease could not be read",
            next_step="Log in to the host and look.",
        )
    facts = parse_lease(read.stdout)
    who = f"held by {facts.holder.describe()}" if facts.holder else "free"
    return f"{who}; held back by {facts.hold.describe()}" if facts.hold else who


def _machine(settings: Environment) -> str:
    with load_target_host(settings.blocks.target_host).executor() as host:
        facts = read_machine(host, settings.application)
    engine, compose = facts.engine or "does not answer", facts.compose or "none"
    text = f"{facts.user}@{host.address.host}, engine {engine}, compose {compose}"
    text += f", {facts.running} containers, {facts.free_bytes / GIB:.1f} GiB free"
    if not facts.engine and facts.docker and "docker" in facts.groups:
        raise RolloutError(text, next_step="Start the engine: sudo systemctl start docker")
    return text


def _releases(settings: Environment) -> str:
    with load_target_host(settings.blocks.target_host).executor() as host:
        return _told_releases(host, settings)


def _told_releases(host: Host, settings: Environment) -> str:
    application = settings.application
    read = host.run(read_host_command(application.directory, application.project))
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


def _variables(settings: Environment) -> str:
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
    findings = all_findings(read_places(source, settings), settings)
    if findings:
        told = f"{len(findings)} differences at {source.version.short}\n{findings_told(findings)}"
        raise RolloutError(told, next_step="Correct the files, or deployments/*.toml.")
    return f"declared and named alike at {source.version.short}"


def _registry(settings: Environment) -> str:
    from rollout.executors.registry import Registry  # noqa: PLC0415 - import cost, as in blocks

    login = load_artifact_registry(settings.blocks.artifact_registry).login()
    build = settings.build
    found = Registry(login).digest(build.image, build.label) or "nothing was pushed yet"
    return f"{login.repository(build.image)}, {build.label}: {found}"


def _secrets(settings: Environment) -> str:
    store = load_gcp_project(settings.blocks.gcp_project).secret_store()
    read = store.read(settings.secret_names)
    return f"{len(read)} of {len(settings.secret_names)} can be read"


def _database(settings: Environment) -> str:
    from rollout.executors.database import Database  # noqa: PLC0415 - import cost, as in blocks

    address = load_app_database(settings.blocks.app_database).address()
    with Database(address, lambda _: None) as database:
        rows = database.held(settings.migrations)
    return f"{len(rows)} migrations applied"


def render(line: Line) -> str:
    """Return the line as it is printed."""
    mark = "ok  " if line.well else "FAIL"
    text = line.text.replace("\n", "\n" + " " * 21)
    told = f"{mark} {line.name:<15} {text}"
    return told if line.well else f"{told}\n{'':21}next: {line.next_step}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was seen; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="bin/doctor", description=__doc__)
    parser.add_argument("--environment", default="production", help="a file in deployments/")
    options = parser.parse_args(arguments)
    well = True
    for line in examine(options.environment):
        print(render(line), flush=True)
        well = well and line.well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
