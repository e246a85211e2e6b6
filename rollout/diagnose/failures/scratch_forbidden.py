"""The scratch server's user may not do what a copy of the schema takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.comes_from("ScratchForbidden"):
        return None
    return Told(
        cause="the scratch server does not let its user in, or not make databases and roles",
        seen=f"SQLSTATE {evidence.sqlstate}: {evidence.true}"
        if evidence.sqlstate
        else evidence.true,
        next_step="Correct the secret with its URL, or give its user CREATEDB and CREATEROLE.",
        commands=(
            evidence.gcloud(f"secrets versions list {evidence.around.cloud.scratch_url_in}"),
            evidence.doctor,
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("scratch-forbidden", _look)
