"""Secret Manager cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("SecretStoreUnavailable"):
        return None
    return Told(
        cause="Secret Manager cannot be reached, or does not know the worker",
        seen=evidence.true,
        next_step="Check the credentials of the project's block, and the worker's network.",
        commands=("gcloud auth list", "bin/doctor"),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("secret-store-unavailable", _look)
