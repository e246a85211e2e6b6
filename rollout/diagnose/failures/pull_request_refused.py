"""The branch is pushed, and GitHub does not take the pull request for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_UNPROCESSABLE = 422


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("GitHubRefused") or evidence.http_status != _UNPROCESSABLE:
        return None
    return Told(
        cause="GitHub does not take the pull request as it was asked for",
        seen=f"HTTP {_UNPROCESSABLE}: {evidence.true}",
        next_step="Open it there for the branch that was pushed, or delete that branch.",
        commands=(f"gh pr list --repo {evidence.around.github or 'OWNER/NAME'} --state all",),
        impact=SERVES_ON,
    )


FAILURE = Failure("pull-request-refused", _look)
