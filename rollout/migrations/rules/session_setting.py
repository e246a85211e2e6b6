"""A setting outlives the file that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from rollout.migrations.change import Change

_SETS = {"VAR_SET_VALUE", "VAR_SET_DEFAULT", "VAR_SET_CURRENT"}


def _look(change: Change, _: Around) -> Told | None:
    node = change.node
    if change.kind != "VariableSetStmt" or node.flag("is_local") or node.text("kind") not in _SETS:
        return None
    name = node.text("name")
    return Told(
        f"{name} stays set after the file's transaction, for whatever the session runs next",
        f"Write `SET LOCAL {name} = ...`, which ends with the file's transaction.",
    )


RULE = Rule("session-setting", _look)
