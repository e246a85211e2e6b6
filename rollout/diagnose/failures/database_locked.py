"""Somebody holds what a migration needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_STATES = ("55P03", "40P01")


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("DatabaseLocked") and evidence.sqlstate not in _STATES:
        return None
    return Told(
        cause="another session holds a lock that the migration needs",
        seen=f"SQLSTATE {evidence.sqlstate or _STATES[0]}: {evidence.true}",
        next_step="The log names who: wait for that session, or end it with "
        "`SELECT pg_terminate_backend(PID)`. docs/recover.md, In the database, says where psql "
        "runs, and what URL is.",
        commands=(
            'psql "$URL" --command "SELECT pid, usename, state, xact_start, left(query, 60) '
            'FROM pg_stat_activity ORDER BY xact_start LIMIT 10"',
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("database-locked", _look)
