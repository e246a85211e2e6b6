"""Cloud SQL is asked too often: a quota of the project is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


_TOO_MANY = 429


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("BackupUnavailable") or evidence.http_status != _TOO_MANY:
        return None
    return Told(
        cause="a quota of the project is used up: Google is asked too often",
        seen=evidence.true,
        next_step="Wait a minute; when it comes again, see the project's quotas for the Admin API.",
        commands=(evidence.on_sql("operations list --limit=5"),),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("backup-quota", _look)
