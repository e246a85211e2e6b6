"""A column goes that the code that serves now reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told, breaks

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    if change.kind != "AT_DropColumn" or not breaks(change):
        return None
    name = f"{bare(change.table)}.{change.column}"
    return Told(
        f"{name} and all its values go, so the code that serves now breaks: {change.outlook.why}",
        f"Expand: take {name} out of Drizzle's schema, write DROP NOT NULL where the generated "
        "migration drops it, and deploy that. Contract, in a later deploy: DROP COLUMN by "
        "`drizzle-kit generate --custom`, accepting this rule by name.",
    )


RULE = Rule("drop-column", _look)
