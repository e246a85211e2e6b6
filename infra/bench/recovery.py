"""Going back and refusing, by the real flows: runs are made through Prefect's API, as a click is.

The worker runs already. Each run goes on while the public address is asked all the time.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.orchestration import get_client

from blocks import load_target_host
from infra.bench.figures import Span
from infra.bench.recovery_figures import FAULTS, Refusal, Return
from infra.bench.stand import ENVIRONMENT, next_version, settings
from infra.bench.ways import (
    DEPLOY_PHASE,
    log_lines,
    ours,
    read_run,
    span_of,
    watched,
)
from infra.rehearsal.shell import RehearsalError, say
from rollout.commands.compose import remove_containers_command, remove_images_command
from rollout.commands.host import parse_host, read_host_command
from rollout.decide.releases import releases_on
from rollout.model.layout import release_service
from rollout.render.form import as_offered, choices_of

if TYPE_CHECKING:
    from typing import Any

    from infra.bench.recovery_figures import Fault, Store
    from rollout.model.release import Release

ENDED_WITHIN_S = 240.0
LOOK_S = 1.0
_PLANNED = re.compile(r"release \d+: ")
"""What `tasks.activate.activate` says first."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that was made through the API.

    Attributes:
        run_id: Its id.
        clicked: When the request that made it was sent, in seconds of the wall clock.
        ended_well: Whether it is `Completed`.
        message: What its last state says.
    """

    run_id: UUID
    clicked: float
    ended_well: bool
    message: str


def go_back(rounds: int, rate_per_s: float) -> list[Return]:
    """Deploy two versions, then go from one to the other and back: warm, then cold, each round."""
    older, newer = next_version(), next_version()
    ours(older)
    ours(newer)
    returns: list[Return] = []
    for number in range(1, rounds + 1):
        returns.append(_return("warm", number, older, rate_per_s))
        _forget(newer)
        returns.append(_return("cold", number, newer, rate_per_s))
        say(f"  going back, round {number} of {rounds} is done")
    return returns


def refuse(rounds: int, rate_per_s: float) -> list[Refusal]:
    """Deploy a release of each fault in each round, and see how soon it is refused."""
    sound = next_version()
    ours(sound)
    refusals: list[Refusal] = []
    for number in range(1, rounds + 1):
        refusals += (_refusal(fault, number, sound, rate_per_s) for fault in FAULTS)
        say(f"  refusing, round {number} of {rounds} is done")
    return refusals


def _return(store: Store, number: int, version: str, rate_per_s: float) -> Return:
    ran, seen = watched(settings().verify.url, version, rate_per_s, lambda: _roll_back_to(version))
    if not ran.ended_well:
        raise _otherwise("a rollback failed", ran)
    flow, _, round_trips = read_run(ran.run_id)
    run, outside = span_of(flow), seen["first_seen"][version]
    return Return(
        store=store,
        round=number,
        version=version,
        seconds=outside - run.start,
        click_s=outside - ran.clicked,
        ended_s=run.end - ran.clicked,
        sent=seen["sent"],
        lost=seen["lost"],
        longest_gap_ms=seen["longest_gap_ms"],
        round_trips=round_trips,
    )


def _refusal(fault: Fault, number: int, sound: str, rate_per_s: float) -> Refusal:
    version = next_version(fault)
    url = settings().verify.url
    ran, seen = watched(url, sound, rate_per_s, lambda: _run("deploy", {"commit": version}))
    _, tasks, _ = read_run(ran.run_id)
    phase = next((task for task in tasks if task.name == DEPLOY_PHASE), None)
    planned = [at for at, text in log_lines(ran.run_id) if _PLANNED.match(text)]
    if ran.ended_well or phase is None or not planned or version in seen["versions"]:
        raise _otherwise(f"a release that {FAULTS[fault]} was not refused by {DEPLOY_PHASE}", ran)
    took = Span(planned[-1], span_of(phase).end)
    return Refusal(
        fault=fault,
        round=number,
        version=version,
        seconds=took.end - took.start,
        sent=seen["sent"],
        lost=seen["lost"],
        longest_gap_ms=seen["longest_gap_ms"],
    )


def _roll_back_to(version: str) -> Ran:
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"rollback/{ENVIRONMENT}")
    offered = choices_of(deployment.parameter_openapi_schema or {})
    return _run("rollback", {"to": as_offered(version, offered), "reason": "the bench"})


def _run(flow: str, parameters: dict[str, Any]) -> Ran:
    """Make a run as the UI's button does, and wait for its end."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"{flow}/{ENVIRONMENT}")
        clicked = time.time()
        made = client.create_flow_run_from_deployment(deployment.id, parameters=parameters)

        while (state := client.read_flow_run(made.id).state) is None or not state.is_final():
            if time.time() > clicked + ENDED_WITHIN_S:
                raise _otherwise(
                    f"{made.name} did not end", Ran(made.id, clicked, ended_well=False, message="")
                )
            # Seldom: each look costs the server a part of what is measured.
            time.sleep(LOOK_S)
    return Ran(made.id, clicked, state.is_completed(), state.message or "")


def _forget(version: str) -> None:
    """Let the host lose a release's container and image; its folder stays."""
    with load_target_host(settings().blocks.target_host).executor() as host:
        application = settings().application
        look = read_host_command(application.directory, application.project)
        facts = parse_host(host.check(look, "the host could not be read").stdout)
        lost = [one for one in releases_on(facts) if one.version.sha == version]
        names = [_container(one) for one in lost]
        kept = [one.name for one in facts.containers if one.service in names]
        images = sorted({one.image.reference for one in lost})
        for command in (remove_containers_command(kept), remove_images_command(images)):
            host.check(command, "what the host had kept could not be removed")


def _container(release: Release) -> str:
    return release_service(settings().application.service, release.number)


def _otherwise(what: str, ran: Ran) -> RehearsalError:
    return RehearsalError(
        what,
        f"The run {ran.run_id} says: {ran.message or 'nothing'}",
        "Read its log in Prefect's UI, then run bin/bench again.",
    )
