"""A column that the code that serves now may leave empty must have a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told, breaks

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    if change.kind != "AT_SetNotNull" or not breaks(change):
        return None
    name = f"{bare(change.table)}.{change.column}"
    return Told(
        f"{name} becomes NOT NULL, so the code that serves now breaks: {change.outlook.why}",
        f"Expand: give {name} a DEFAULT, deploy code that always writes it, and fill the rows. "
        "Contract, in a later deploy: SET NOT NULL, accepting this rule by name.",
    )


RULE = Rule("column-made-required", _look)
