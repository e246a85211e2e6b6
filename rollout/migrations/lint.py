"""Looks at judged statements with every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around
from rollout.migrations.rules import RULES
from rollout.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.migrations.change import Judged


def findings_of(judged: Iterable[Judged]) -> Iterator[tuple[Judged, Finding]]:
    """Yield what the rules say of each statement, in the order in which they run.

    Args:
        judged: The statements of all pending migrations.
    """
    before: dict[str, tuple[Judged, ...]] = {}
    for one in judged:
        file = one.statement.file
        around = Around(one, before.get(file, ()))
        for change in one.changes:
            for rule in RULES:
                told = rule.look(change, around)
                if told:
                    yield one, Finding(rule.code, told.consequence, one.statement.where, told.help)
        before[file] = (*around.earlier, one)
