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
    disabled = tuple(name for name, why in evidence.secrets if why == "disabled")
    return Told(
        cause=told,
        seen="Secret Manager says so",
        next_step=f"Give each an enabled version that is not empty{_enabling(evidence, disabled)}.",
        commands=tuple(evidence.gcloud(_words(name, why)) for name, why in evidence.secrets),
        impact=SERVES_ON,
    )


def _enabling(evidence: Evidence, disabled: tuple[str, ...]) -> str:
    """Return how disabled versions are enabled: by their numbers, which only the list knows."""
    lines = (evidence.gcloud(f"secrets versions enable N --secret={name}") for name in disabled)
    told = ", ".join(f"`{line}`" for line in lines)
    return (
        f": list what is disabled, then enable the newest by its number N: {told}" if told else ""
    )


def _words(name: str, why: str) -> str:
    if why == "forbidden":
        return f"secrets get-iam-policy {name}"
    if why == "disabled":
        return f"secrets versions list {name}"
    return f"secrets versions add {name} --data-file=-"


FAILURE = Failure("secret-unusable", _look)
