"""The application's Redis is slow or does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.checks import DEGRADED, SLOW_MS, failed_check, told_check
from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    check = failed_check(evidence, "redis")
    if check is None:
        return None
    slow = check.latency_ms is not None and check.latency_ms >= SLOW_MS
    return Told(
        cause="the application's Redis does not answer in time"
        if slow
        else "the application's Redis refuses it",
        seen=told_check(check),
        next_step="See your Redis' own status, and its quota where it is somebody else's; then the "
        "secret with its URL.",
        commands=(
            evidence.on_containers(
                f"--filter name={evidence.around.service}-r",
                "docker logs --tail 200 2>&1 | grep -i redis",
            ),
        ),
        impact=DEGRADED,
    )


FAILURE = Failure("redis-down", _look)
