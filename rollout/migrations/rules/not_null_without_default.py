"""A new column must have a value that the code that serves now does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told, breaks

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    constraints = change.constraints() if change.kind == "AT_AddColumn" else {}
    required = {"CONSTR_NOTNULL", "CONSTR_PRIMARY"} & constraints.keys()
    if not required or "CONSTR_DEFAULT" in constraints or not breaks(change):
        return None
    table = bare(change.table)
    return Told(
        f"{table}.{change.column} has no default, so the code that serves now breaks: "
        f"{change.outlook.why}; so does the migration itself if {table} has rows",
        f"Expand: add {change.column} without NOT NULL, or with a DEFAULT, and deploy code that "
        "always writes it. Contract, in a later deploy: fill the rows, then SET NOT NULL.",
    )


RULE = Rule("not-null-without-default", _look)
