"""Hosts of a target could not be brought to a release that the others serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("HostsBehind"):
        return None
    return Told(
        cause="hosts of the target could not be reached, or the release was not seen serving there",
        seen=evidence.true,
        next_step="See whether those machines run, and what their logs say.",
        commands=(evidence.doctor,),
        retry=Retry.AFTER,
        impact="A host that is behind serves what it did before, or nothing: a balancer that still "
        "sends requests there shows users that.",
    )


FAILURE = Failure("hosts-behind", _look)
