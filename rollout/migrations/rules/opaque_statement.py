"""What a statement does cannot be told from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told
from rollout.model.statement import Compatibility

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    if change.outlook.compatibility is not Compatibility.UNKNOWN:
        return None
    return Told(
        "neither its locks nor what it changes can be told from its text",
        "Write plain statements instead; else try it on a copy of the database first.",
    )


RULE = Rule("opaque-statement", _look)
