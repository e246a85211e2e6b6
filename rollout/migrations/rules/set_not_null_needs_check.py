"""`SET NOT NULL` looks at every row while nobody may read or write, unless a check spares it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, around: Around) -> Told | None:
    slow = around.slow(change)
    if change.kind != "AT_SetNotNull" or slow is None:
        return None
    table = bare(change.table)
    return Told(
        f"reads and writes wait while every row is looked at in {around.told(slow)}",
        f"First `ALTER TABLE {table} ADD CONSTRAINT name CHECK ({change.column} IS NOT NULL) NOT "
        f"VALID`; in the next migration `ALTER TABLE {table} VALIDATE CONSTRAINT name`; then `SET "
        "NOT NULL` takes an instant, and the check can be dropped.",
    )


RULE = Rule("set-not-null-needs-check", _look)
