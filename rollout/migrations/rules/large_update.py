"""An UPDATE of a large table holds every row that it changes until the transaction ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, around: Around) -> Told | None:
    slow = around.slow(change)
    if change.kind not in {"UpdateStmt", "MergeStmt"} or slow is None:
        return None
    return Told(
        "writes to each row that it changes wait until its transaction ends, and each old row "
        f"stays on the disk: {around.told(slow)}",
        "Fill the rows in portions of some thousands, each in its own transaction, outside a "
        "migration.",
    )


RULE = Rule("large-update", _look)
