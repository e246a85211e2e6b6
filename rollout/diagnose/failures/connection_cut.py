"""The connection to the host was cut while a command ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import NOTICED, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("OutcomeUnknown"):
        return None
    return Told(
        cause="the connection to the host was cut, and the command under way may have gone on",
        seen=evidence.true,
        next_step="Start the run again: it takes the lease, reads what is true, and goes on there.",
        commands=(evidence.doctor,),
        retry=Retry.SAFE,
        impact=NOTICED,
    )


FAILURE = Failure("connection-cut", _look)
