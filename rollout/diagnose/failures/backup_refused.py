"""Cloud SQL refuses the backup that is made before data is destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


_WHY = {
    401: "Google does not accept the worker's credentials",
    403: "the worker's account may not have the instance backed up",
    404: "there is no instance of that name",
    409: "the instance is busy with another operation",
}


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("BackupRefused"):
        return None
    return Told(
        cause=_WHY.get(evidence.http_status or 0, "Cloud SQL refuses to back the instance up"),
        seen=evidence.true,
        next_step="The backup is made before anything is applied: let it be made, then retry.",
        commands=(
            evidence.gcloud(f"sql instances describe {evidence.around.cloud.sql_instance}"),
            evidence.on_sql("operations list --limit=5"),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("backup-refused", _look)
