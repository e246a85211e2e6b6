"""The repository does not take a branch that was pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("PushRefused"):
        return None
    repository = evidence.around.github or "OWNER/NAME"
    return Told(
        cause="the repository does not take the branch: its rules forbid it, or the token may not "
        "write contents, or workflows where a file below .github/workflows differs",
        seen=evidence.true,
        next_step="See what the rules say of the branch's name, and that the token may write "
        "contents and workflows.",
        commands=(f"gh api repos/{repository}/rules/branches/BRANCH",),
        impact=SERVES_ON,
    )


FAILURE = Failure("branch-refused", _look, is_general=True)
