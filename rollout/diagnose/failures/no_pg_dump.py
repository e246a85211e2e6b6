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
        next_step="Install the client of the server's version where the worker runs.",
        commands=(
            "ls /usr/lib/postgresql/*/bin/pg_dump",
            evidence.gcloud("sql instances list"),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("no-pg-dump", _look)
