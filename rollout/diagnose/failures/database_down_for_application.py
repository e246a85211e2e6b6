"""The application that serves cannot use its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.checks import failed_check, told_check
from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    check = failed_check(evidence, "database")
    if check is None:
        return None
    return Told(
        cause="the application cannot use its database",
        seen=told_check(check),
        next_step="See whether the proxy beside it runs and whether Cloud SQL does.",
        commands=(
            evidence.on_host(f"docker logs --tail 50 {evidence.around.project}-cloud-sql-proxy-1"),
            evidence.gcloud("sql instances list"),
        ),
        impact="Users see errors on every page that reads data.",
    )


FAILURE = Failure("database-down-for-application", _look)
