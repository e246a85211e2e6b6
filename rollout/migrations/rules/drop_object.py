"""A table, a view, a type or the like goes that the code that serves now may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told, breaks

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    if change.kind != "DropStmt" or not breaks(change):
        return None
    what = change.node.text("remove_type").removeprefix("OBJECT_").lower().replace("_", " ")
    rows = " with all its rows" if what in {"table", "schema"} else ""
    return Told(
        f"the {what} {bare(change.name)} goes{rows}, so the code that serves now breaks where it "
        "uses it",
        "Expand: deploy code that no longer uses it. Contract, in a later deploy: DROP it, "
        "accepting this rule by name.",
    )


RULE = Rule("drop-object", _look)
