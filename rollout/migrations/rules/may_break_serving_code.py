"""Whether the code that serves now can go on depends on what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told
from rollout.model.statement import Compatibility

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    conditional = change.outlook.compatibility is Compatibility.CONDITIONAL
    if not conditional or change.kind == "AT_AlterColumnType":
        return None
    return Told(
        f"the code that serves now may break: {change.outlook.why}",
        "Make sure that it does no such thing; else deploy code that does not first.",
    )


RULE = Rule("may-break-serving-code", _look)
