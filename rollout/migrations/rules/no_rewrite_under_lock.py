"""A table is written anew while nobody may read or write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told
from rollout.model.statement import Work

if TYPE_CHECKING:
    from rollout.migrations.change import Change

_INSTEAD = {
    "AT_AddColumn": "Add the column without that default, set the default in a second statement, "
    "and fill the rows in portions, outside a migration.",
    "AT_AlterColumnType": "Add a second column of the new type, write both in the code, fill the "
    "rows in portions, read the new one, and drop the old one in a later deploy.",
}


def _look(change: Change, around: Around) -> Told | None:
    slow = around.slow(change)
    if slow is None or slow.work is not Work.REWRITE:
        return None
    return Told(
        f"reads and writes wait while the whole table is written anew: {around.told(slow)}",
        _INSTEAD.get(change.kind, "Do this in a maintenance window, or leave it."),
    )


RULE = Rule("no-rewrite-under-lock", _look)
