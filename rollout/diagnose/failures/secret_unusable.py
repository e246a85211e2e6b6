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
        next_step=_next_step(evidence),
        commands=tuple(evidence.gcloud(_words(name, why)) for name, why in evidence.secrets),
        impact=SERVES_ON,
    )


def _next_step(evidence: Evidence) -> str:
    """Return what to do: whether a missing secret or only its version is, Google does not say.

    Disabled versions are enabled by their numbers, which only the list knows.
    """
    enabling = _lines(evidence, "disabled", "secrets versions enable N --secret={}")
    making = _lines(
        evidence, "missing", "secrets create {} --replication-policy automatic --data-file=-"
    )
    by_number = ": list what is disabled, then enable the newest by its number N: "
    enabled = f"{by_number}{enabling}" if enabling else ""
    made = (
        f" One that is not there at all is made by {making}, and the deploying account gets "
        "roles/secretmanager.secretAccessor and roles/secretmanager.viewer on it; where "
        "Terraform makes them, docs/secrets.md says how."
    )
    return f"Give each an enabled version that is not empty{enabled}.{made if making else ''}"


def _lines(evidence: Evidence, state: str, words: str) -> str:
    """Return a line for each secret in a state; nothing where none is."""
    names = (name for name, why in evidence.secrets if why == state)
    return ", ".join(f"`{evidence.gcloud(words.format(name))}`" for name in names)


def _words(name: str, why: str) -> str:
    if why == "forbidden":
        return f"secrets get-iam-policy {name}"
    if why == "disabled":
        return f"secrets versions list {name}"
    return f"secrets versions add {name} --data-file=-"


FAILURE = Failure("secret-unusable", _look)
