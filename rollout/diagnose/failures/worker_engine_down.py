"""The Docker engine that the worker builds with cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("EngineError"):
        return None
    return Told(
        cause="the Docker engine that the worker builds with cannot be used",
        seen=evidence.true,
        next_step="See that it runs where DOCKER_HOST points.",
        commands=("docker version", evidence.doctor),
        impact=SERVES_ON,
    )


FAILURE = Failure("worker-engine-down", _look)
