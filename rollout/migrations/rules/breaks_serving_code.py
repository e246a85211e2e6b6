"""Whatever else the code that serves now cannot go on with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told, breaks

if TYPE_CHECKING:
    from rollout.migrations.change import Change

# These have a rule of their own, which says more.
_ELSEWHERE = {
    "AT_AlterColumnType",
    "AT_DropColumn",
    "AT_SetNotNull",
    "AlterEnumStmt",
    "AlterObjectSchemaStmt",
    "DropStmt",
    "RenameStmt",
}


def _look(change: Change, _: Around) -> Told | None:
    if not breaks(change) or change.kind in _ELSEWHERE:
        return None
    # A required column without a default is `not-null-without-default`.
    if change.kind == "AT_AddColumn" and "CONSTR_DEFAULT" not in change.constraints():
        return None
    return Told(
        f"the code that serves now breaks: {change.outlook.why}",
        "Deploy code that can live with both first, and change the schema in a later deploy, "
        "accepting this rule by name.",
    )


RULE = Rule("breaks-serving-code", _look)
