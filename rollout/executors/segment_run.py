"""Runs one migration file: its segments in order, each as often as its locks need.

A transaction is repeated as a whole, anything else by the statement. What a former run finished is
not run again, and Drizzle's row is written with the last segment, or right after it.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from rollout.errors import MigrationFailed, MigrationUnfinished
from rollout.executors import indexes, steps
from rollout.executors.clock import monotonic_s, pause
from rollout.executors.migration_errors import LOCK_STATES, failure, left_of, place
from rollout.executors.postgres import notice_silence
from rollout.executors.steps import At
from rollout.migrations.journal import Migration
from rollout.migrations.locks import Patience, pause_s
from rollout.migrations.segments import (
    Segment,
    Step,
    minds_locks_itself,
    plan_segments,
    settings_before,
)
from rollout.migrations.statements import concurrent_index, concurrent_reindex, finishing

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.executors.process import Log
    from rollout.migrations.statements import ConcurrentIndex

    Heed = Callable[[psycopg.Connection[Any], "Sent"], None]

IDLE_TIMEOUT_S = 60.0
"""After how long the server ends a transaction whose worker went silent, in seconds."""
# What the server answers when a statement that stands alone had been applied before: no such
# index, partition or database; or there is one already.
_DONE_STATES = {"42704", "42710", "42P01", "42P04", "3D000"}
_PENDING_DETACH = "55000"


@dataclass(frozen=True, slots=True)
class Table:
    """Drizzle's own table, which exists.

    Attributes:
        schema: Its schema.
        name: Its name.
        columns: The names of its columns.
    """

    schema: str
    name: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sent:
    """Something of a file that the server has carried out.

    Attributes:
        migration: The file.
        step: What was sent.
        seconds: How long it took.
    """

    migration: Migration
    step: Step
    seconds: float


class SegmentRun:
    """One file on its way into the database.

    Args:
        connection: In autocommit mode, with the right to migrate.
        migration: The file.
        table: Drizzle's table.
        patience: How long and how often locks are waited for.
        log: Called with what happens.
        heed: Called with the connection after each step, before its transaction ends; None where
            nobody watches.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        migration: Migration,
        table: Table,
        patience: Patience,
        log: Log,
        heed: Heed | None = None,
    ) -> None:
        self._connection = connection
        self._migration = migration
        self._table = table
        self._patience = patience
        self._log = log
        self._heed = heed
        self._segments = plan_segments(migration)
        self._noted = steps.noted(connection, migration)
        self._partly = any(one.finished or one.open for one in self._noted.values())
        self._step: Step | None = None

    def run(self) -> None:
        """Apply what is left of the file and write Drizzle's row.

        Raises:
            MigrationFailed: With the file, the statement, its line and the server's words.
            MigrationUnfinished: The same, where Retry goes on once something is out of the way.
            DatabaseLocked: When somebody held what a statement needs through all tries.
            DatabaseUnreachable: When the connection was cut.
        """
        self._demand_same_statements()
        for number, segment in enumerate(self._segments):
            if self._is_finished(number, segment):
                self._log(f"{self._migration.tag}: segment {number + 1} is applied already")
            elif segment.mode == "autocommit":
                self._alone(number, segment)
            else:
                self._patiently(lambda n=number, s=segment: self._together(n, s))
        if not self._segments or self._segments[-1].mode == "autocommit":
            self._patiently(lambda: self._together(len(self._segments), None))

    def _demand_same_statements(self) -> None:
        for at, noted in self._noted.items():
            step = self._step_at(at)
            if step is None or step.hash != noted.hash:
                raise MigrationUnfinished(
                    f"{self._migration.file}: what is noted of it was cut into other statements",
                    left="A part of the file is applied; deploy.migration_step says which.",
                    next_step="Apply the rest by hand, add the file's row to Drizzle's table and "
                    "delete its rows from deploy.migration_step, then retry.",
                )

    def _step_at(self, at: At) -> Step | None:
        if at.segment > len(self._segments):
            return None
        found = self._segments[at.segment - 1].steps
        return found[at.statement - 1] if at.statement <= len(found) else None

    def _is_finished(self, number: int, segment: Segment) -> bool:
        places = (At(number + 1, n) for n in range(1, len(segment.steps) + 1))
        return all(at in self._noted and self._noted[at].finished for at in places)

    def _together(self, number: int, segment: Segment | None) -> None:
        """Run a segment in one transaction; without one only write Drizzle's row."""
        try:
            self._reset()
            transaction = self._begin()
            if segment:
                self._replay(number, 0)
                for position, step in enumerate(segment.steps):
                    self._send(number, position, step, local=True)
                    if self._transaction() != transaction:
                        raise self._ended_transaction(step)
            # A file may have become somebody else, who need not be allowed to write here.
            self._connection.execute("RESET ROLE")
            if segment and len(self._segments) > 1:
                for position, step in enumerate(segment.steps, 1):
                    steps.begin(self._connection, self._migration, At(number + 1, position), step)
                    steps.end(self._connection, self._migration, At(number + 1, position))
            if number >= len(self._segments) - 1:
                self._write_row()
            self._connection.execute("COMMIT")
            self._partly = True
        finally:
            self._roll_back()

    def _alone(self, number: int, segment: Segment) -> None:
        for position, step in enumerate(segment.steps):
            at = At(number + 1, position + 1)
            noted = self._noted.get(at)
            if not (noted and noted.finished):
                unsure = noted is not None and noted.open
                self._patiently(
                    lambda a=at, s=step, u=unsure: self._one_alone(a, s, unsure=u),
                    lambda error, a=at, s=step: self._note_failure(a, s, error),
                )

    def _one_alone(self, at: At, step: Step, *, unsure: bool) -> None:
        """Run a statement outside of any transaction, noting it before and after."""
        self._reset()
        steps.begin(self._connection, self._migration, at, step)
        self._replay(at.segment - 1, at.statement - 1)
        index = concurrent_index(step.statements[0])
        self._limit(at.segment - 1, at.statement - 1, step, local=False)
        self._remove_half_built(step)
        if not (index and self._is_there(index, unsure=unsure)):
            try:
                self._send(at.segment - 1, at.statement - 1, step, local=False)
            except psycopg.Error as error:
                self._survive(step, error, unsure=unsure and index is None)
            if index:
                self._demand_valid(index, step)
        self._reset()
        steps.end(self._connection, self._migration, at)
        self._partly = True

    def _is_there(self, index: ConcurrentIndex, *, unsure: bool) -> bool:
        """Return whether a former try made an index; remove what a failed one left of it."""
        found = indexes.find(self._connection, index)
        if found is None or (found.valid and not unsure):
            return False
        if not indexes.is_ours(self._connection, index, found):
            return False
        if found.valid:
            self._log(f"{found.name} was made by a former run")
            return True
        self._log(f"{found.name} is invalid, left by a failed try: it is removed")
        indexes.drop(self._connection, found.name)
        return False

    def _remove_half_built(self, step: Step) -> None:
        """Remove what a failed REINDEX CONCURRENTLY left; a retry would only add to it."""
        rebuilt = concurrent_reindex(step.statements[0])
        for name in indexes.leftovers(self._connection, rebuilt) if rebuilt else ():
            self._log(f"{name} is half built, left by a failed try: it is removed")
            indexes.drop(self._connection, name)

    def _demand_valid(self, index: ConcurrentIndex, step: Step) -> None:
        found = indexes.find(self._connection, index)
        if found is None or not found.valid:
            raise MigrationUnfinished(
                f"{self._place(step, None)}: no valid index {index.name} on {index.table} came "
                "of it, because another one has that name",
                left=left_of(partly=self._partly),
                next_step="Look at that index; drop it or choose another name, then retry.",
            )

    def _survive(self, step: Step, error: psycopg.Error, *, unsure: bool) -> None:
        """Go on after an error that only says that a former try had got there; else raise it."""
        if unsure and error.sqlstate in _DONE_STATES:
            self._log(f"{self._place(step, None)} had been applied by a former run")
        elif error.sqlstate == _PENDING_DETACH and (rest := finishing(step.statements[0])):
            self._log(f"{self._place(step, None)}: a detach that was cut off is finished")
            self._connection.execute(rest.encode())
        else:
            raise error

    def _note_failure(self, at: At, step: Step, error: psycopg.Error) -> None:
        """Note an error, and leave no invalid index for the application to pay for."""
        with suppress(psycopg.Error):
            self._reset()
            steps.end(self._connection, self._migration, at, f"SQLSTATE {error.sqlstate}")
            self._replay(at.segment - 1, at.statement - 1)
            self._configure("lock_timeout", self._patience.shared_s, local=False)
            index = concurrent_index(step.statements[0])
            if index:
                self._is_there(index, unsure=False)
            self._remove_half_built(step)

    def _patiently(
        self,
        do: Callable[[], None],
        failed: Callable[[psycopg.Error], None] = lambda _: None,
    ) -> None:
        """Do something again and again while locks are in its way, within limits."""
        begun = monotonic_s()
        for tries in count(1):
            self._step = None
            try:
                return do()
            except psycopg.Error as error:
                failed(error)
                rest_s = pause_s(tries, secrets.SystemRandom().random())
                late = monotonic_s() - begun + rest_s > self._patience.within_s
                if error.sqlstate not in LOCK_STATES or tries >= self._patience.tries or late:
                    where = self._place(self._step, error)
                    raise failure(where, tries, error, partly=self._partly) from error
                self._log(
                    f"{self._place(self._step, error)}: {error.diag.message_primary} "
                    f"(SQLSTATE {error.sqlstate}), try {tries} of {self._patience.tries}; "
                    f"again in {rest_s:.1f} s"
                )
            pause(rest_s)
        return None

    def _send(self, number: int, position: int, step: Step, *, local: bool) -> None:
        self._step = step
        if local:
            self._limit(number, position, step, local=True)
        # Without parameters this is PostgreSQL's simple protocol: a part may hold several
        # statements, and `%` means nothing.
        begun = monotonic_s()
        self._connection.execute(step.text.encode())
        if self._heed:
            sent = Sent(self._migration, step, monotonic_s() - begun)
            self._heed(self._connection, sent)

    def _limit(self, number: int, position: int, step: Step, *, local: bool) -> None:
        """Limit what a step waits for a lock, unless the file has said so itself."""
        if not minds_locks_itself(self._migration, number, position):
            seconds = self._patience.lock_timeout_s(step.statements)
            self._configure("lock_timeout", seconds, local=local)

    def _configure(self, name: str, seconds: float, *, local: bool) -> None:
        value = f"{seconds * 1000:.0f}ms"
        self._connection.execute("SELECT set_config(%s, %s, %s)", (name, value, local))

    def _reset(self) -> None:
        """Forget what the file or an earlier one has set."""
        self._connection.execute(b"RESET ALL; RESET ROLE; " + notice_silence())

    def _replay(self, number: int, position: int) -> None:
        for text in settings_before(self._migration, number, position):
            self._connection.execute(text.encode())

    def _begin(self) -> int:
        """Begin a transaction of known limits."""
        self._connection.execute("BEGIN")
        self._configure("idle_in_transaction_session_timeout", IDLE_TIMEOUT_S, local=True)
        self._configure("lock_timeout", self._patience.shared_s, local=True)
        return self._transaction()

    def _transaction(self) -> int:
        """Return the number of the transaction in progress; 0 when there is none."""
        if self._connection.info.transaction_status is not TransactionStatus.INTRANS:
            return 0
        row = self._connection.execute("SELECT txid_current()").fetchone()
        return int(row[0]) if row else 0

    def _write_row(self) -> None:
        migration = self._migration
        values: dict[str, object] = {"hash": migration.hash, "created_at": migration.when}
        if "name" in self._table.columns:
            values["name"] = migration.name or migration.tag
        self._connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(self._table.schema, self._table.name),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(sql.Placeholder() * len(values)),
            ),
            tuple(values.values()),
        )

    def _roll_back(self) -> None:
        """End what is still open; a dead connection has nothing open."""
        if self._connection.info.transaction_status is not TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    def _place(self, step: Step | None, error: psycopg.Error | None = None) -> str:
        return place(self._migration, step, error)

    def _ended_transaction(self, step: Step) -> MigrationFailed:
        return MigrationFailed(
            f"{self._place(step)}: the file ends its transaction itself",
            left=f"Statements up to {step.part} stay applied, and no row says so.",
            next_step="Take ROLLBACK and the like out of the file, and bring the database to "
            "where it was before it, or to where the whole file leads.",
        )
