"""Looks at judged statements with every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around
from rollout.migrations.rules import RULES
from rollout.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.migrations.change import Judged


def findings_of(judged: Iterable[Judged]) -> Iterator[tuple[Judged, tuple[Finding, ...]]]:
    """Yield each statement with what the rules say of it, in the order in which they run.

    Args:
        judged: The statements of all pending migrations.
    """
    before: dict[str, tuple[Judged, ...]] = {}
    for one in judged:
        around = Around(one, before.get(one.statement.file, ()))
        yield one, tuple(_told(one, around))
        before[one.statement.file] = (*around.earlier, one)


def _told(one: Judged, around: Around) -> Iterator[Finding]:
    for change in one.changes:
        for rule in RULES:
            told = rule.look(change, around)
            if told:
                yield Finding(rule.code, told.consequence, one.statement.where, told.help)
