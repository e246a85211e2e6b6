"""Watches which locks a migration's statements take while they run on a scratch copy.

Nothing of it is for production: there the statements are sent and nothing is asked in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.pq import TransactionStatus

from rollout.model.dry_run import Traced
from rollout.model.statement import Effect, Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

    from rollout.executors.segment_run import Sent

_TABLES = b"""
SELECT c.oid, n.nspname || '.' || c.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
# Asked within the migration's own session, whose search_path may be anything by then.
_HELD = b"""
SELECT relation, mode, virtualtransaction FROM pg_catalog.pg_locks
WHERE pid = pg_catalog.pg_backend_pid() AND granted AND relation = ANY(%s)
"""
_MODES = {f"{lock.title}Lock": lock for lock in Lock if lock}


class LockTrace:
    """What was seen of the parts that ran, on tables that were there before the first of them.

    Args:
        connection: To the scratch copy, before anything is applied.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._tables = dict(connection.execute(_TABLES).fetchall())
        self._transaction = ""
        self._held: dict[str, Lock] = {}
        self._traced: dict[tuple[str, int, int], Traced] = {}

    def __call__(self, connection: psycopg.Connection[Any], sent: Sent) -> None:
        """Look at what the session holds after something was sent.

        Args:
            connection: The migration's own session.
            sent: What was sent; a repeated try takes the place of the one before.
        """
        file, step = sent.migration.file, sent.step
        taken: tuple[Effect, ...] = ()
        held: tuple[Effect, ...] | None = None
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            now = self._look(connection)
            taken = _effects(
                {one: lock for one, lock in now.items() if lock > self._held.get(one, Lock.NONE)}
            )
            held, self._held = _effects(now), now
        place = (file, step.part, step.start)
        self._traced[place] = Traced(file, step.part, sent.seconds, taken, held)

    @property
    def traced(self) -> tuple[Traced, ...]:
        """Return what was seen, in the order in which it ran."""
        return tuple(self._traced.values())

    def _look(self, connection: psycopg.Connection[Any]) -> dict[str, Lock]:
        now: dict[str, Lock] = {}
        for number, mode, transaction in connection.execute(_HELD, (list(self._tables),)):
            if transaction != self._transaction:
                self._transaction, self._held = transaction, {}
            name = self._tables[number]
            now[name] = max(now.get(name, Lock.NONE), _MODES.get(mode, Lock.NONE))
        return now


def _effects(locks: Mapping[str, Lock]) -> tuple[Effect, ...]:
    return tuple(Effect(name, lock) for name, lock in sorted(locks.items()))
