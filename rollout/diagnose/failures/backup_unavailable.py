"""Cloud SQL cannot be asked for a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


_TOO_MANY = 429


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("BackupUnavailable") or evidence.http_status == _TOO_MANY:
        return None
    return Told(
        cause="Cloud SQL's Admin API cannot be asked",
        seen=evidence.true,
        next_step="Check the worker's network, and what Google says of its service.",
        commands=("gcloud auth list", evidence.doctor),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("backup-unavailable", _look)
