"""Columns that refuse NULL, or no longer do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.rule import Comparison, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator


def _null_refused(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if old.not_null or not new.not_null or (new.generated and not old.generated):
                continue
            if old.generated:
                told = "a row for which it would be NULL is refused"
                yield Said(Grade.RISK, old.name, told, pair.old.name, "INSERT")
            elif not new.fills_itself:
                told = "rows without it are refused (23502)"
                yield Said(Grade.BREAK, old.name, told, pair.old.name, "INSERT")


def _null_refused_default(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            refused = new.not_null and not old.not_null and new.fills_itself
            if refused and not new.generated and not old.generated:
                told = "a NULL that the code gives itself is refused (23502); leaving it out is not"
                yield Said(Grade.RISK, old.name, told, pair.old.name, "INSERT")


def _null_allowed(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if old.not_null and not new.not_null:
                told = "the code may read NULL where it expects a value"
                yield Said(Grade.LOW, old.name, told, pair.old.name)


RULES = (
    Rule("null-refused", "Drop NOT NULL, or give the column a default.", _null_refused),
    Rule(
        "null-refused-default",
        "Look whether the code writes NULL explicitly; else nothing is to do.",
        _null_refused_default,
    ),
    Rule("null-allowed", "Count the rows in which it is NULL.", _null_allowed),
)
