"""A secret is missing, disabled, empty or forbidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.secrets:
        return None
    told = ", ".join(f"{name} is {why}" for name, why in evidence.secrets)
    return Told(
        cause=told,
        seen="Secret Manager says so",
        next_step="Give each an enabled version that is not empty.",
        commands=tuple(evidence.gcloud(_words(name, why)) for name, why in evidence.secrets),
        impact=SERVES_ON,
    )


def _words(name: str, why: str) -> str:
    if why == "forbidden":
        return f"secrets get-iam-policy {name}"
    if why == "disabled":
        return f"secrets versions enable latest --secret={name}"
    return f"secrets versions add {name} --data-file=-"


FAILURE = Failure("secret-unusable", _look)
