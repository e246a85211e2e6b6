"""The registry fails, or does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("RegistryError"):
        return None
    status = f"HTTP {evidence.http_status}: " if evidence.http_status else ""
    return Told(
        cause="the registry fails, or does not answer",
        seen=f"{status}{evidence.true}",
        next_step="Look at Google Cloud's status page, then retry.",
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("registry-unavailable", _look, is_general=True)
