"""The backup before data is destroyed has not ended within its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("BackupLate"):
        return None
    return Told(
        cause="the backup takes longer than backup_timeout_s",
        seen=evidence.true,
        next_step="Retry when the operation has ended; Cloud SQL goes on with it by itself.",
        commands=(
            evidence.on_sql("operations list --limit=5"),
            evidence.on_sql("backups list --limit=5"),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("backup-late", _look)
