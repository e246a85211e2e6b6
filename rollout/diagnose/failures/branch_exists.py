"""A branch of the repository stands where the branch of a proposal would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("PushRefused") or not evidence.in_the_way:
        return None
    there = evidence.in_the_way
    return Told(
        cause=f"the repository has a branch {there} already, which stands in the way",
        seen=evidence.true,
        next_step=f"Rename or delete {there}, once nobody needs it.",
        commands=(f"git push origin --delete {there}",),
        impact=SERVES_ON,
    )


FAILURE = Failure("branch-exists", _look)
