"""What the reference seeds did to the number of rows of each table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.model.row_count import RowCount

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMED = 20
"""How many tables are named in one line of the log."""
_NOT_THERE = "not there"


@dataclass(frozen=True, slots=True)
class Seeded:
    """One table before the seeds and after them.

    Attributes:
        table: The table in full.
        before: Its rows before; None where it was not there, or could not be counted.
        after: Its rows after, likewise.
    """

    table: str
    before: RowCount | None
    after: RowCount | None

    @property
    def is_changed(self) -> bool:
        """Return whether the two differ."""
        return self.before != self.after


def compare_rows(before: Iterable[RowCount], after: Iterable[RowCount]) -> tuple[Seeded, ...]:
    """Return each table of either count once, those first whose number of rows changed.

    Args:
        before: What was counted before the seeds.
        after: What was counted after them.
    """
    then = {one.table: one for one in before}
    now = {one.table: one for one in after}
    found = (Seeded(name, then.get(name), now.get(name)) for name in sorted({**then, **now}))
    return tuple(sorted(found, key=lambda one: not one.is_changed))


def seed_lines(seeded: Iterable[Seeded]) -> tuple[str, ...]:
    """Return what the log says: a line for each table that changed, and one for all others."""
    seeded = tuple(seeded)
    changed = [one for one in seeded if one.is_changed]
    same = [one for one in seeded if not one.is_changed]
    lines = [
        f"seeds: {one.table}: rows {_number(one.before)} -> {_number(one.after)}" for one in changed
    ]
    if same:
        noun = "table has" if len(same) == 1 else "tables have"
        told = ", ".join(f"{one.table} {_number(one.after)}" for one in same[:NAMED])
        more = f" and {len(same) - NAMED} more" if len(same) > NAMED else ""
        lines.append(f"seeds: {len(same)} {noun} as many rows as before: {told}{more}")
    return tuple(lines)


def seed_rows(seeded: Iterable[Seeded]) -> list[dict[str, str]]:
    """Return the rows of a table for people; one that says so where nothing was counted."""
    rows = [
        {"table": one.table, "rows before": _number(one.before), "rows after": _number(one.after)}
        for one in seeded
    ]
    return rows or [{"table": "the database has no table of the application's"}]


def _number(count: RowCount | None) -> str:
    return count.describe() if count else _NOT_THERE
