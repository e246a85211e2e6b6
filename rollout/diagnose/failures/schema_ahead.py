"""The migrations went well and the deploy did not: the schema is ahead of the code that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

PHASE = "deploy-prod"


def _look(evidence: Evidence) -> Told | None:
    ahead = evidence.host.schema_ahead if evidence.host else ()
    if not ahead or not evidence.phase.startswith(PHASE):
        return None
    return Told(
        cause="the database holds migrations that the code which serves does not know",
        seen=", ".join(ahead),
        next_step="Repair the code and deploy it: the migrations stay applied. What serves lives "
        "with them, unless this deploy accepted a rule that breaks it.",
        commands=(f"bin/schema candidates --environment {evidence.around.environment}",),
        impact="Users notice nothing where the migrations only add; see what that command says.",
    )


FAILURE = Failure("schema-ahead", _look)
