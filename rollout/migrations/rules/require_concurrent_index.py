"""An index is built while nobody may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, around: Around) -> Told | None:
    slow = around.slow(change)
    if change.kind != "IndexStmt" or change.node.flag("concurrent") or slow is None:
        return None
    return Told(
        f"writes wait while an index is built over {around.told(slow)}",
        "Write `CREATE INDEX CONCURRENTLY` (`.concurrently()` in Drizzle's schema), in a migration "
        "of its own: it cannot run in a transaction.",
    )


RULE = Rule("require-concurrent-index", _look)
