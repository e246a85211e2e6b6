"""GitHub fails, or does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("GitHubUnavailable"):
        return None
    return Told(
        cause="GitHub fails, or does not answer",
        seen=evidence.true,
        next_step="Look at GitHub's status page and the worker's connection.",
        commands=(f"curl -fsS {evidence.around.github_api.rstrip('/')}/zen",),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("github-unavailable", _look, is_general=True)
