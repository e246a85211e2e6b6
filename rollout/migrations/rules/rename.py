"""Something gets another name, or another schema, than the code that serves now knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told, breaks

if TYPE_CHECKING:
    from rollout.migrations.change import Change

_KINDS = {"RenameStmt", "AlterObjectSchemaStmt", "AlterEnumStmt"}


def _look(change: Change, _: Around) -> Told | None:
    if change.kind not in _KINDS or not breaks(change):
        return None
    if change.node.text("rename_type") == "OBJECT_TABLE":
        instead = (
            "In the same migration, put a view of the old name in its place: `CREATE VIEW old AS "
            "SELECT * FROM new`; drop it in a later deploy. Or rename only in Drizzle's schema."
        )
    else:
        instead = (
            "Expand: add the new one beside the old one, write both, read the new one. Contract, "
            "in a later deploy: drop the old one. Or rename only in Drizzle's schema: "
            "`text('old_name')`."
        )
    return Told(f"the code that serves now breaks: {change.outlook.why}", instead)


RULE = Rule("rename", _look)
