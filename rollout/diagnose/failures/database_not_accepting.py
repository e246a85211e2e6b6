"""The database starts, stops or recovers, and lets nobody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_STATES = ("57P01", "57P02", "57P03", "55000")


def _look(evidence: Evidence) -> Told | None:
    if evidence.sqlstate not in _STATES or evidence.is_a("ScratchUnusable"):
        return None
    return Told(
        cause="the database lets nobody in for now: it starts, stops, recovers, or was told to",
        seen=f"SQLSTATE {evidence.sqlstate}: {evidence.true}",
        next_step=f"See what {_who(evidence)} does: maintenance, a failover or a restore; then "
        "retry.",
        commands=evidence.on_cloud_sql(evidence.on_sql("operations list --limit=5")),
        impact="Users see errors as long as it lasts.",
    )


def _who(evidence: Evidence) -> str:
    return "Cloud SQL" if evidence.around.cloud.has_sql else "the server at the host of its URL"


FAILURE = Failure("database-not-accepting", _look)
