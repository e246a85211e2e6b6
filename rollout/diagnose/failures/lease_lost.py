"""Somebody else has the target by now: the run was not heard of for longer than its lease lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("LeaseLost"):
        return None
    return Told(
        cause="the run was not heard of for longer than its lease lasts, and another one began",
        seen=evidence.true,
        next_step="Watch that run. Look why this one was silent: a worker that was paused or too "
        "busy, a cut connection.",
        commands=(evidence.doctor,),
        retry=Retry.SAFE,
        impact="What users see is the other run's doing.",
    )


FAILURE = Failure("lease-lost", _look)
