"""A column gets a type that the code that serves now does not expect, or that holds less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told
from rollout.model.statement import Compatibility

if TYPE_CHECKING:
    from rollout.migrations.change import Change

_BAD = {Compatibility.BREAKING, Compatibility.CONDITIONAL}


def _look(change: Change, _: Around) -> Told | None:
    if change.kind != "AT_AlterColumnType" or change.outlook.compatibility not in _BAD:
        return None
    return Told(
        f"the type of {bare(change.table)}.{change.column} changes under the code that serves now: "
        f"{change.outlook.why}",
        "Expand: add a second column of the new type, write both, fill the rows, read the new one. "
        "Contract, in a later deploy: drop the old column.",
    )


RULE = Rule("change-column-type", _look)
