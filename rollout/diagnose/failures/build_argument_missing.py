"""The Dockerfile names a build argument that nobody gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.stage != "build" or not evidence.missing_arguments:
        return None
    names = ", ".join(evidence.missing_arguments)
    return Told(
        cause=f"the build was not given {names}, which the Dockerfile names without a default",
        seen=last(evidence.stderr),
        next_step="Add it to args or secret_args in [build] of the environment's file.",
        commands=(f"$EDITOR deployments/{evidence.around.environment}.toml",),
        impact=SERVES_ON,
    )


FAILURE = Failure("build-argument-missing", _look)
