"""Nobody answers where scratch databases are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.comes_from("ScratchUnreachable"):
        return None
    return Told(
        cause="nobody answers at the scratch server, on which migrations are tried",
        seen=evidence.true,
        next_step="See that it runs and that the worker may reach it.",
        commands=(evidence.doctor,),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("scratch-unreachable", _look)
