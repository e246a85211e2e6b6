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
    refused = evidence.is_a("SecretStoreRefused")
    return Told(
        cause="the worker's Google login has expired, or was withdrawn"
        if refused
        else "Secret Manager cannot be reached",
        seen=evidence.true,
        next_step="Renew the credentials of the project's block. On the operations machine the "
        "machine's own account has to be the active one; do not log in there. Elsewhere log the "
        "worker's account in again."
        if refused
        else "Check the worker's network, and what Google says of its service.",
        commands=("gcloud auth list", evidence.doctor),
        retry=Retry.AFTER if refused else Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("secret-store-unavailable", _look)
