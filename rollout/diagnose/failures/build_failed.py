"""The image could not be built: a step of the Dockerfile failed, or it has an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.stage not in ("prepare", "build"):
        return None
    return Told(
        cause="a command before the build failed"
        if evidence.stage == "prepare"
        else "a step of the Dockerfile failed, or the Dockerfile has an error",
        seen=last(evidence.stderr),
        next_step="Correct it, and merge.",
        commands=("docker build --file apps/web/Dockerfile .",),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("build-failed", _look, is_general=True)
