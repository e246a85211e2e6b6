"""The registry does not have the release's image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import PULL_FAILED
from rollout.diagnose.failure import SERVES_ON, Failure, Told, last

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_NOT_FOUND = 404


def _look(evidence: Evidence) -> Told | None:
    if evidence.reserved != PULL_FAILED or evidence.http_status != _NOT_FOUND:
        return None
    return Told(
        cause="the registry does not have the release's image any more",
        seen=f"HTTP {_NOT_FOUND}; {last(evidence.stderr)}",
        next_step="Build it again by deploying its commit, and look who deletes images there.",
        commands=(
            f"bin/trigger deploy --environment {evidence.around.environment} "
            "--parameter=commit=COMMIT",
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("image-not-found", _look)
