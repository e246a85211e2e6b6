"""Enums: which labels the code may write, and which it may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.rule import Comparison, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import EnumType


def _used(both: Comparison) -> Iterator[tuple[EnumType, EnumType]]:
    """Yield each enum with the one that stands in its place: by name, and in columns."""
    seen: set[tuple[str, str]] = set()
    for name in both.enums[0].keys() & both.enums[1].keys():
        seen.add((name, name))
    for pair in both.pairs:
        for old, new in pair.columns():
            names = old.type.replace("[]", ""), new.type.replace("[]", "")
            if names[0] in both.enums[0] and names[1] in both.enums[1]:
                seen.add(names)
    for before, after in sorted(seen):
        yield both.enums[0][before], both.enums[1][after]


def _label_gone(both: Comparison) -> Iterator[Said]:
    for old, new in _used(both):
        for label in old.labels:
            if label not in new.labels:
                yield Said(Grade.BREAK, f"{old.name}.{label}", "writing this label is refused")


def _label_new(both: Comparison) -> Iterator[Said]:
    for old, new in _used(both):
        for label in new.labels:
            if label not in old.labels:
                yield Said(Grade.LOW, f"{old.name}.{label}", "the code may read it, unknown to it")


def _label_order(both: Comparison) -> Iterator[Said]:
    for old, new in _used(both):
        kept = [label for label in new.labels if label in old.labels]
        if kept != [label for label in old.labels if label in new.labels]:
            yield Said(Grade.RISK, old.name, "labels are sorted and compared in another order")


RULES = (
    Rule("label-gone", "Add the label again.", _label_gone),
    Rule("label-new", "See that the older code does something sensible with it.", _label_new),
    Rule("label-order", "Look whether the code sorts or compares by it.", _label_order),
)
