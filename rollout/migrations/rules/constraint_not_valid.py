"""A check or a foreign key looks at every row while nobody may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told
from rollout.model.statement import Work

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, around: Around) -> Told | None:
    slow = around.slow(change)
    adds = change.kind in {"AT_AddConstraint", "AT_AddColumn"}
    if not adds or slow is None or slow.work is not Work.SCAN:
        return None
    return Told(
        f"{slow.lock.blocks} wait while every row is looked at in {around.told(slow)}",
        f"Write `ALTER TABLE {bare(change.table)} ADD CONSTRAINT name ... NOT VALID`, and in the "
        f"next migration `ALTER TABLE {bare(change.table)} VALIDATE CONSTRAINT name`, which keeps "
        "nobody waiting.",
    )


RULE = Rule("constraint-not-valid", _look)
