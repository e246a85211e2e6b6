"""Plans a migration file as segments: transactions, and statements that run outside of any.

Most files are one transaction. A file is several when the server refuses one of its statements
inside a transaction, when it begins or commits by itself, or when it uses a label of an enum that
it adds: a label may be used only after the transaction that added it (SQLSTATE 55P04).

Every file has a plan. A part that the grammar does not take, or a statement that is nested too deep
to be looked into, is sent as it is, in the transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from rollout.migrations.sql import Piece, pieces_of
from rollout.migrations.statements import (
    added_label,
    concurrent_index,
    outlives_transaction,
    runs_alone,
    setting,
    transaction_control,
)
from rollout.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.migrations.journal import Migration

Mode = Literal["transaction", "autocommit"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent to the server at once.

    Attributes:
        part: Which part of the file it is or lies in, counted from 1.
        start: Where in that part it begins, counted from 0.
        text: What is sent, word for word.
        statements: The statements in it; never empty.
    """

    part: int
    start: int
    text: str
    statements: tuple[Piece, ...]

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Segment:
    """What is done or undone together, or, outside of a transaction, one by one.

    Attributes:
        mode: `transaction`, or `autocommit` for what the server refuses in one.
        steps: What is sent, in order; never empty.
    """

    mode: Mode
    steps: tuple[Step, ...]


# Asked for again before each step that is sent; one file is on its way at a time.
@lru_cache(maxsize=8)
def plan_segments(migration: Migration) -> tuple[Segment, ...]:
    """Return the segments of a file in order; empty when it says nothing.

    BEGIN and COMMIT are carried out by the segments' edges and are not sent. What cannot be planned
    so (`unplannable`) is sent as it is.
    """
    segments: list[Segment] = []
    for mode, step in _steps(migration):
        if mode is None:
            segments.append(Segment("transaction", ()))
        elif segments and segments[-1].mode == mode:
            segments[-1] = Segment(mode, (*segments[-1].steps, step))
        else:
            segments.append(Segment(mode, (step,)))
    return tuple(segment for segment in segments if segment.steps)


def settings_before(migration: Migration, segment: int, step: int) -> tuple[str, ...]:
    """Return the file's own settings that hold where a step begins.

    Args:
        migration: The file.
        segment: The step's segment, counted from 0.
        step: The step, counted from 0; 0 leaves out what the segment itself sets.
    """
    return tuple(
        one.text
        for earlier in _before(migration, segment, step)
        for one in earlier.statements
        if outlives_transaction(one)
    )


def minds_locks_itself(migration: Migration, segment: int, step: int) -> bool:
    """Return whether the file has set its own `lock_timeout` before a step."""
    return any(
        setting(one) == "lock_timeout"
        for earlier in _before(migration, segment, step)
        for one in earlier.statements
    )


def segment_findings(migration: Migration) -> Iterator[Finding]:
    """Yield what is worth knowing of how a file is run."""
    segments = plan_segments(migration)
    for step in (step for segment in segments for step in segment.steps):
        where = f"{migration.file}, statement {step.part}"
        for statement in step.statements:
            if transaction_control(statement) == "other":
                yield Finding(
                    "own-transaction",
                    "it handles a transaction in a way that cannot be planned",
                    where,
                    "Take it out: each file is one transaction anyway.",
                )
            index = concurrent_index(statement)
            if index and not index.name:
                yield Finding(
                    "unnamed-index",
                    "a retry could not tell the index that a failure leaves behind from others",
                    where,
                    "Give the index a name.",
                )
    count = len(segments)
    if count > 1:
        yield Finding(
            "several-transactions",
            f"it cannot be one transaction and runs in {count} segments; after a failure those "
            "before it stay, and the next run goes on there",
            migration.file,
            "Nothing to do; one such statement a file is easier to reason about.",
        )


def _before(migration: Migration, segment: int, step: int) -> tuple[Step, ...]:
    segments = plan_segments(migration)
    earlier = tuple(one for whole in segments[:segment] for one in whole.steps)
    return (*earlier, *segments[segment].steps[:step])


def _steps(migration: Migration) -> Iterator[tuple[Mode | None, Step]]:
    """Yield each step with its mode; a mode of None is an edge between two transactions."""
    for number, part in enumerate(migration.statements, 1):
        statements = pieces_of(part)
        cut_after = [_ends_transaction(one, migration, number) for one in statements]
        if any(map(_is_special, statements)) or any(cut_after):
            begin = 0
            for statement, cut in zip(statements, cut_after, strict=True):
                # What stands before a statement, comments for instance, is sent with it.
                step = Step(number, begin, part[begin : statement.end], (statement,))
                begin = statement.end + 1
                if transaction_control(statement) not in {"begin", "commit"}:
                    yield ("autocommit" if runs_alone(statement) else "transaction"), step
                if cut:
                    yield None, step
        elif statements:
            yield "transaction", Step(number, 0, part, statements)


def _is_special(statement: Piece) -> bool:
    return runs_alone(statement) or transaction_control(statement) in {"begin", "commit"}


def _ends_transaction(statement: Piece, migration: Migration, number: int) -> bool:
    if transaction_control(statement) in {"begin", "commit"}:
        return True
    label = added_label(statement)
    if label is None:
        return False
    after = migration.statements[number - 1][statement.end :]
    return any(label in text for text in (after, *migration.statements[number:]))
