"""All of the database's connections are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_STATE = "53300"


def _look(evidence: Evidence) -> Told | None:
    if evidence.sqlstate != _STATE:
        return None
    return Told(
        cause="all connections of the database are taken",
        seen=f"SQLSTATE {evidence.sqlstate}: {evidence.true}",
        next_step="Find out who holds them, end what is idle, and retry. docs/recover.md, In the "
        "database, says where psql runs, and what URL is.",
        commands=(
            'psql "$URL" --command "SELECT usename, application_name, state, count(*) '
            'FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC"',
        ),
        impact="Users may see errors: the application needs connections too.",
    )


FAILURE = Failure("database-too-many-connections", _look)
