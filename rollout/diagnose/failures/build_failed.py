"""The image could not be built: a step of the Dockerfile failed, or it has an error."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.stage not in ("prepare", "build"):
        return None
    before = evidence.stage == "prepare"
    return Told(
        cause="a command before the build failed"
        if before
        else "a step of the Dockerfile failed, or the Dockerfile has an error",
        seen=last(evidence.stderr),
        next_step="Correct what the last lines name. Try it in a checkout, and merge.",
        commands=(
            shlex.join(evidence.words) if before else evidence.around.code.build("docker build"),
        ),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("build-failed", _look, is_general=True)
