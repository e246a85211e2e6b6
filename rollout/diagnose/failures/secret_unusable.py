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
        commands=tuple(map(_command, evidence.secrets)),
        impact=SERVES_ON,
    )


def _command(secret: tuple[str, str]) -> str:
    name, why = secret
    if why == "forbidden":
        return f"gcloud secrets get-iam-policy {name} --project=trovella-prod"
    if why == "disabled":
        return f"gcloud secrets versions enable latest --secret={name} --project=trovella-prod"
    return f"gcloud secrets versions add {name} --project=trovella-prod --data-file=-"


FAILURE = Failure("secret-unusable", _look)
