"""What the database fills in for columns that the code knows but does not give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollout.decide.compatible.expressions import bare, default_may_fail, is_constant
from rollout.decide.compatible.rule import Comparison, Pair, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Column, Relation


def constrained(relation: Relation, column: str) -> bool:
    """Return whether some check, key or reference is about a column."""
    groups = (
        *(check.columns for check in relation.checks),
        *(key.columns for key in relation.keys),
        *(key.columns for key in relation.foreign_keys),
    )
    # An expression stands as its text, and so does an exclusion.
    word = re.compile(rf"\b{re.escape(column)}\b")
    return any(column in group for group in groups) or any(
        word.search(text)
        for key in relation.keys
        for text in (key.predicate, key.operators, *(key.columns if key.expressions else ()))
    )


def _ordinary(both: Comparison) -> Iterator[tuple[Pair, Column, Column]]:
    """Yield the columns that are generated on neither side."""
    for pair in both.pairs:
        for old, new in pair.columns():
            if not old.generated and not new.generated:
                yield pair, old, new


def _lost(both: Comparison) -> Iterator[Said]:
    for pair, old, new in _ordinary(both):
        if not old.fills_itself or new.fills_itself:
            continue
        grade, told = Grade.LOW, "stays NULL when it is not given"
        if new.not_null:
            grade, told = Grade.BREAK, "rows without it are refused (23502)"
        elif constrained(pair.new, old.name):
            grade, told = Grade.RISK, "stays NULL when it is not given, which may be refused"
        yield Said(grade, old.name, told, pair.old.name, "INSERT")


def _changed(both: Comparison) -> Iterator[Said]:
    for pair, old, new in _ordinary(both):
        if old.default is None or new.default is None or bare(old.default) == bare(new.default):
            continue
        if not new.fills_itself:
            continue
        yield _other_value(pair, new, f"was {old.default}, is {new.default}")


def _new(both: Comparison) -> Iterator[Said]:
    for pair, old, new in _ordinary(both):
        if not old.fills_itself and new.default is not None and new.fills_itself:
            yield _other_value(pair, new, f"is {new.default} where it was NULL")


def _other_value(pair: Pair, new: Column, told: str) -> Said:
    default = new.default or ""
    domain = "." in new.type and not is_constant(default)
    uncertain = constrained(pair.new, new.name) or default_may_fail(default, new.type) or domain
    grade = Grade.RISK if uncertain else Grade.LOW
    return Said(grade, new.name, told, pair.old.name, "INSERT")


def _identity_always(both: Comparison) -> Iterator[Said]:
    for pair, old, new in _ordinary(both):
        if new.identity != "always" or old.identity == "always":
            continue
        must = old.not_null and not old.fills_itself
        told = "a value that the code gives itself is refused (428C9)"
        grade = Grade.BREAK if must else Grade.RISK
        yield Said(grade, old.name, told, pair.old.name, "INSERT")


def _became_generated(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if new.generated and not old.generated:
                must = old.not_null and not old.fills_itself
                grade = Grade.BREAK if must else Grade.RISK
                told = "a value that the code gives itself is refused (428C9)"
                yield Said(grade, old.name, told, pair.old.name, "INSERT")


def _no_more(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if not old.generated or new.generated:
                continue
            grade, told = Grade.LOW, "nobody computes it for the rows that the code writes"
            if new.not_null and not new.fills_itself:
                grade, told = Grade.BREAK, "rows without it are refused (23502)"
            elif constrained(pair.new, old.name):
                grade = Grade.RISK
            yield Said(grade, old.name, told, pair.old.name, "INSERT")


def _otherwise(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if old.generated and new.generated and old.generated != new.generated:
                told = f"is {new.generated}, which may fail or read otherwise"
                yield Said(Grade.RISK, old.name, told, pair.old.name)


RULES = (
    Rule("default-lost", "Set the default again.", _lost),
    Rule("default-changed", "See that code which leaves it out can live with it.", _changed),
    Rule("default-new", "See that code which leaves it out can live with it.", _new),
    Rule("identity-always", "Make it GENERATED BY DEFAULT.", _identity_always),
    Rule(
        "became-generated",
        "Add the generated column under another name, and drop the old one a release later.",
        _became_generated,
    ),
    Rule("generated-no-more", "Fill it with a trigger, or a default.", _no_more),
    Rule("generated-otherwise", "Look which rows the new expression refuses.", _otherwise),
)
