"""The new container runs, and its health check never passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import NOT_READY_IN_TIME, UNHEALTHY
from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    container = evidence.container
    if container is None or evidence.reserved not in (UNHEALTHY, NOT_READY_IN_TIME):
        return None
    answer = f"HTTP {container.http_status}" if container.http_status else "no answer"
    wrote = container.health_output or last(container.lines)
    return Told(
        cause=f"the new container runs, and its health check does not pass ({answer})",
        seen=wrote,
        next_step="Correct what its last lines name, and deploy the next commit; if it only needs "
        "longer, raise ready_timeout_s.",
        commands=(f"$EDITOR deployments/{evidence.around.environment}.toml",),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("never-healthy", _look, is_general=True)
