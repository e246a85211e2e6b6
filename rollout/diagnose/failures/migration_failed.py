"""A statement of a migration is refused by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("MigrationFailed"):
        return None
    code = f"SQLSTATE {evidence.sqlstate}: " if evidence.sqlstate else ""
    return Told(
        cause="the server refuses a statement of a pending migration"
        if evidence.sqlstate
        else "a pending migration did not come to its end",
        seen=f"{code}{evidence.true}",
        next_step=evidence.next_step,
        commands=(f"bin/schema candidates --environment {evidence.around.environment}",),
        retry=Retry.AFTER if evidence.is_a("MigrationUnfinished") else Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("migration-failed", _look)
