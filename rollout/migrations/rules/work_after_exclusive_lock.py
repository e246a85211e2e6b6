"""A long statement runs while an earlier one of its transaction still keeps others waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare
from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, around: Around) -> Told | None:
    slow = around.slow(change)
    held = [
        (one, effect)
        for one in around.earlier
        for effect in one.effects
        if effect.lock.blocks != "nothing"
    ]
    if slow is None or not held:
        return None
    earlier, effect = max(held, key=lambda pair: pair[1].lock)
    return Told(
        f"{effect.lock.blocks} of {bare(effect.table)} wait since line {earlier.statement.line}, "
        f"and longer while this {slow.work}: {around.told(slow)}",
        "Put it into a migration of its own: each file is one transaction, and a lock is held "
        "until its end.",
    )


RULE = Rule("work-after-exclusive-lock", _look)
