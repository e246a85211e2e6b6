"""The application listens on another port than the one that it is asked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import NOT_READY_IN_TIME, UNHEALTHY
from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    container, port = evidence.container, evidence.around.port
    waits = evidence.reserved in (UNHEALTHY, NOT_READY_IN_TIME)
    if container is None or not waits or not container.listens or port in container.listens:
        return None
    heard = ", ".join(map(str, container.listens))
    return Told(
        cause=f"the application listens on {heard}, not on {port}",
        seen=f"listens: {heard}",
        next_step="Let it listen on the port that [application] of the environment's file names, "
        "or correct that.",
        commands=(f"grep -n port deployments/{evidence.around.environment}.toml",),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("wrong-port", _look)
