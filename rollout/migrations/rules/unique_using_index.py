"""A unique constraint or a primary key builds its index while nobody may read or write."""

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
    if not adds or slow is None or slow.work is not Work.INDEX_BUILD:
        return None
    return Told(
        f"reads and writes wait while its index is built over {around.told(slow)}",
        "First, in a migration of its own: `CREATE UNIQUE INDEX CONCURRENTLY name ON "
        f"{bare(change.table)} (...)`. Then `ALTER TABLE {bare(change.table)} ADD CONSTRAINT name "
        "UNIQUE USING INDEX name`, which takes an instant.",
    )


RULE = Rule("unique-using-index", _look)
