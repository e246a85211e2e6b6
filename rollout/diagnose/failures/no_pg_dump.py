"""There is no `pg_dump` that can read the live server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.comes_from("NoPgDump"):
        return None
    return Told(
        cause="the worker has no pg_dump that is as new as the live server",
        seen=evidence.true,
        next_step="See which one there is where the worker runs, and install the client of the "
        "server's version there. In the worker's container (docs/operations.md) that is a newer "
        "`postgres:` in infra/prefect/Dockerfile, and an upgrade.",
        commands=(
            "pg_dump --version",
            *evidence.on_cloud_sql(evidence.gcloud("sql instances list")),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("no-pg-dump", _look)
