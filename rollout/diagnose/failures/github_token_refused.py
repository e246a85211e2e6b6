"""GitHub does not know the token, or the token may not do what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_UNKNOWN, _FORBIDDEN = 401, 403


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("GitHubRefused") or evidence.http_status not in {_UNKNOWN, _FORBIDDEN}:
        return None
    unknown = evidence.http_status == _UNKNOWN
    return Told(
        cause="GitHub does not know the token that [github] token names"
        if unknown
        else "the token that [github] token names may not do that",
        seen=f"HTTP {evidence.http_status}: {evidence.true}",
        next_step="Put a token that is in force, and may write contents and pull requests of the "
        "repository, into the secret.",
        commands=(
            evidence.gcloud(
                f"secrets versions add {evidence.around.github_token or 'SECRET'} --data-file=-"
            ),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("github-token-refused", _look)
