"""Somebody else has the target, or holds deploys back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("LeaseHeld"):
        return None
    return Told(
        cause="another run or a person has the right to change the target",
        seen=evidence.true,
        next_step="Ask who holds it; let deploys go on when they agree.",
        commands=(evidence.doctor, f"bin/release-hold --environment {evidence.around.environment}"),
        impact=SERVES_ON,
    )


FAILURE = Failure("target-held", _look)
