"""Puts what a dry run saw beside what was predicted, statement by statement.

A part of a file is sent at once, so its statements were seen together: what is told stands with the
first of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.change import merge
from rollout.migrations.names import bare
from rollout.model.statement import Lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.migrations.change import Judged
    from rollout.model.dry_run import Traced
    from rollout.model.statement import Effect, Statement

TRACED = ("lock on the scratch copy", "seconds there")
"""The columns' names."""
NOTHING = ("", "")
"""What stands there for a statement that did not run."""
WITH_THE_FIRST = "seen with the part's first statement"
NOT_SEEN = "not seen: it runs outside of any transaction"


def told_of(traced: Iterable[Traced], judged: Iterable[Judged]) -> dict[Statement, tuple[str, str]]:
    """Return for each statement that ran the locks it was seen to take, and its seconds.

    Args:
        traced: What was seen; several of one part count together.
        judged: The statements with what was predicted of them.
    """
    parts: dict[tuple[str, int], list[Traced]] = {}
    for one in traced:
        parts.setdefault((one.file, one.number), []).append(one)
    told: dict[Statement, tuple[str, str]] = {}
    for place, statements in _by_part(judged).items():
        seen = parts.get(place)
        if seen is None:
            continue
        first, *others = statements
        seconds = f"{sum(one.seconds for one in seen):.3f}"
        told[first.statement] = (_locks(seen, statements), seconds)
        told.update((one.statement, (WITH_THE_FIRST, "")) for one in others)
    return told


def _by_part(judged: Iterable[Judged]) -> dict[tuple[str, int], list[Judged]]:
    found: dict[tuple[str, int], list[Judged]] = {}
    for one in judged:
        found.setdefault((one.statement.file, one.statement.number), []).append(one)
    return found


def _locks(seen: list[Traced], statements: list[Judged]) -> str:
    if all(one.held is None for one in seen):
        return NOT_SEEN
    told = [
        f"{effect.lock.title} on {bare(effect.table)}"
        for effect in merge(effect for one in seen for effect in one.taken)
        if effect.lock >= Lock.ROW_EXCLUSIVE
    ]
    predicted = merge(effect for one in statements for effect in one.effects)
    return "; ".join((*(told or ["none"]), *_unlike(seen, predicted)))


def _unlike(seen: list[Traced], predicted: tuple[Effect, ...]) -> Iterator[str]:
    """Yield where the prediction was wrong: too weak, or stronger than what is held by then."""
    taken = {one.table: one.lock for one in merge(e for part in seen for e in part.taken)}
    held = {one.table: one.lock for one in merge(e for part in seen for e in part.held or ())}
    expected = {one.table: one.lock for one in predicted}
    for table, lock in taken.items():
        if lock > max(expected.get(table, Lock.NONE), Lock.ROW_SHARE):
            yield f"NOTE: more than predicted on {bare(table)}"
    for table, lock in expected.items():
        if lock > max(held.get(table, Lock.NONE), Lock.ROW_SHARE):
            yield f"NOTE: {lock.title} was predicted on {bare(table)}"
