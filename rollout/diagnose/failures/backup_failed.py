"""The backup before data is destroyed was begun, and failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.kinds[:1] != ("BackupFailed",):
        return None
    return Told(
        cause="Cloud SQL began the backup and could not make it",
        seen=evidence.true,
        next_step="See why the operation failed; a further try makes another backup.",
        commands=(
            evidence.on_sql("operations list --limit=5"),
            evidence.on_sql("backups list --limit=5"),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("backup-failed", _look)
