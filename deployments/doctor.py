"""`bin/doctor [--environment NAME]`: versions, who is reached, who is at work, what serves.

Everything is only read, and nothing secret is shown: what it prints is fit for pasting. One line
for each thing; a line that is not well says what to do next, and then the exit status is 1. What a
deploy would refuse is not well; what it would only warn of is told beside `ok`. What is looked at
of the target and its cloud is in `looks.py`.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments import looks
from deployments.here import demand_linux
from deployments.server import UNANSWERED, demand_address, unanswered
from rollout.decide.hosts import at_host
from rollout.errors import RolloutError
from rollout.executors.files import read_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prefect.client.orchestration import SyncPrefectClient

    from rollout.config import Environment

OURS = ("prefect", "fastapi", "prefect-gcp", "docker", "fabric", "psycopg")
AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.PAUSED, StateType.CANCELLING]


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
    python = Question("python", _python).answer()
    yield python
    if not python.well:
        return
    yield Line("packages", ", ".join(f"{name} {version(name)}" for name in OURS))
    settings_of = Question("environment", lambda: read_environment(environment).repository)
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
        settings = read_environment(environment)
        for question in (*_at_work(settings, api), *_reached(settings, api)):
            yield question.answer()


def _python() -> str:
    demand_linux()
    return f"{platform.python_version()} on {platform.platform()}"


def _at_work(settings: Environment, api: SyncPrefectClient) -> tuple[Question, ...]:
    return (
        Question("workers", lambda: _workers(api)),
        Question("at work", lambda: runs_at_work(settings.name, api)),
    )


def _reached(settings: Environment, api: SyncPrefectClient) -> tuple[Question, ...]:
    limits, scratch = settings.verify.limits, settings.blocks.scratch_database
    return (
        Question("variables", lambda: looks.variables(settings)),
        Question("host", lambda: looks.machine(settings)),
        Question("lease", lambda: looks.lease(settings)),
        Question("releases", lambda: looks.releases(settings)),
        Question("registry", lambda: looks.registry(settings)),
        Question("builder", lambda: looks.builder(settings, _online(api))),
        Question("secrets", lambda: looks.secrets(settings)),
        Question("database", lambda: looks.database(settings)),
        *((Question("scratch server", lambda: looks.scratch(scratch)),) if scratch else ()),
        *((Question("alerts", lambda: looks.alerts(settings)),) if limits.alerts != "off" else ()),
        *(one for block in settings.hosts.further for one in _further(block, settings)),
    )


def _further(block: str, settings: Environment) -> tuple[Question, ...]:
    """Return what is asked of a further host of the target."""
    there = at_host(settings, block, block)
    return (
        Question(f"host {block}", lambda: looks.machine(there)),
        Question(f"releases {block}", lambda: looks.releases(there)),
    )


def _online(api: SyncPrefectClient) -> tuple[str, ...]:
    """Return the names of the workers that are online."""
    return tuple(
        worker.name
        for pool in api.read_work_pools()
        for worker in api.read_workers_for_work_pool(pool.name)
        if worker.status == "ONLINE"
    )


def _workers(api: SyncPrefectClient) -> str:
    online = _online(api)
    if not online:
        pools = ", ".join(pool.name for pool in api.read_work_pools())
        raise RolloutError(
            f"no worker is online; pools: {pools or 'none'}",
            next_step="Start it where it belongs: docs/recover.md, The worker died.",
        )
    return ", ".join(online)


def runs_at_work(environment: str, api: SyncPrefectClient) -> str:
    """Return the environment's runs that have not ended, or `nobody`.

    They are found by tag: a run of `bin/rollback` has no deployment, and the tags of one.
    """
    runs = api.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[environment]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=AT_WORK)),
        ),
    )
    return "; ".join(f"{run.name} ({run.state_name}, {run.id})" for run in runs) or "nobody"


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
