"""GitHub says that we are to wait: the token, or all who share it, asked too often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_FORBIDDEN, _TOO_MANY = 403, 429


def _look(evidence: Evidence) -> Told | None:
    # What GitHub refuses for good has a class of its own, whatever the status.
    limited = evidence.http_status in {_FORBIDDEN, _TOO_MANY}
    if not evidence.is_a("GitHubUnavailable") or not limited:
        return None
    return Told(
        cause="GitHub's limit of requests is reached",
        seen=f"HTTP {evidence.http_status}: {evidence.true}",
        next_step="Wait until the limit is given back, an hour at most, and see who else asks "
        "with this token.",
        commands=("gh api rate_limit",),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("github-rate-limit", _look)
