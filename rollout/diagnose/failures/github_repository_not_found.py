"""GitHub has no such repository, or the token may not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_NOT_FOUND = 404


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("GitHubRefused") or evidence.http_status != _NOT_FOUND:
        return None
    around = evidence.around
    return Told(
        cause="GitHub has no such repository, or the token may not see it: it says the same of "
        "both",
        seen=f"HTTP {_NOT_FOUND}: {evidence.true}",
        next_step="Correct [github] repository in the environment's file, or let the token see "
        "the repository.",
        commands=(
            f"grep -A4 '^.github.' deployments/{around.environment or 'ENVIRONMENT'}.toml",
            f"gh repo view {around.github or 'OWNER/NAME'}",
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("github-repository-not-found", _look)
