"""The image was built, and the registry did not take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.stage != "push":
        return None
    return Told(
        cause="the registry did not take the image that was built",
        seen=last(evidence.stderr),
        next_step="See that the account may write there, and that the registry answers.",
        commands=(evidence.around.cloud.who_may_write(),),
        impact=SERVES_ON,
    )


FAILURE = Failure("push-failed", _look)
