"""The database, or what leads to it, does not answer or has hung up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import NOTICED, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("DatabaseUnreachable"):
        return None
    cloud = evidence.around.cloud
    return Told(
        cause="the database, or the Auth Proxy before it, does not answer, or hung up"
        if cloud.has_sql
        else "the database, or what leads to it, does not answer, or hung up",
        seen=_seen(evidence),
        next_step="See whether the Auth Proxy started (its lines stand in the log) and whether "
        "Cloud SQL runs."
        if cloud.has_sql
        else "See whether the server at the host of its URL runs (the secret "
        f"{cloud.database_url_in} has it), and whether the worker reaches it.",
        commands=(
            *evidence.on_cloud_sql("cloud-sql-proxy --version"),
            *(evidence.on_cloud_sql(evidence.gcloud("sql instances list")) or (evidence.doctor,)),
        ),
        retry=Retry.SAFE,
        impact=NOTICED,
    )


def _seen(evidence: Evidence) -> str:
    return last(tuple(evidence.true.splitlines()))


FAILURE = Failure("database-unreachable", _look)
