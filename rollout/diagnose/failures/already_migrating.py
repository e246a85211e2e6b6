"""Another run migrates the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("AlreadyMigrating"):
        return None
    return Told(
        cause="another session has the right to migrate this database",
        seen=evidence.true,
        next_step="Wait until it has ended; it may be our own, cut off a moment ago.",
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("already-migrating", _look)
