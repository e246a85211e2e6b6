"""Unique indexes and exclusions: what may not stand twice, and what ON CONFLICT can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.expressions import is_random
from rollout.decide.compatible.rule import Comparison, Pair, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Column, Key, Relation


def _new(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for key in pair.new.keys:
            if not _implied(key, pair) and not _same_for_all(key, pair):
                told = f"a second row of the same value may be refused{_partial(key)} (23505)"
                yield Said(Grade.RISK, ", ".join(key.columns), told, pair.old.name)


def _constant(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for key in pair.new.keys:
            if not _implied(key, pair) and _same_for_all(key, pair):
                told = "every row that the code writes has the same value, so the second is refused"
                yield Said(Grade.BREAK, ", ".join(key.columns), told, pair.old.name, "INSERT")


def _lost(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for key in pair.old.keys:
            if not any(_serves(new, key) for new in pair.new.keys):
                usable = key.valid and not key.deferrable and key.kind != "exclusion"
                grade = Grade.RISK if usable else Grade.LOW
                told = f"ON CONFLICT cannot name it{_partial(key)}, and doubles are let in"
                yield Said(grade, ", ".join(key.columns), told, pair.old.name)


def _partial(key: Key) -> str:
    return f" where {key.predicate}" if key.predicate else ""


def _serves(new: Key, old: Key) -> bool:
    """Return whether ON CONFLICT finds one key where it found another."""
    return (
        set(new.columns) == set(old.columns)
        and (new.kind == "exclusion") == (old.kind == "exclusion")
        and new.predicate in ("", old.predicate)
        and new.operators == old.operators
        and new.nulls_distinct == old.nulls_distinct
        and (new.valid or not old.valid)
        and (old.deferrable or not new.deferrable)
    )


def _implied(key: Key, pair: Pair) -> bool:
    """Return whether no two rows of the code's can collide in a key, but for what did before."""
    if any(_holds(old, key, pair.old) for old in pair.old.keys):
        return True
    if key.kind == "exclusion" or key.expressions:
        return False
    unknown = {column.name: column for column in pair.unknown()}
    return any(name in unknown and _differs(unknown[name], key) for name in key.columns)


def _holds(old: Key, new: Key, relation: Relation) -> bool:
    """Return whether rows that satisfy one key satisfy another."""
    if old.kind == "exclusion" or new.kind == "exclusion":
        return (old.kind, old.operators, old.predicate) == (new.kind, new.operators, new.predicate)
    if old.deferrable and not new.deferrable:
        return False
    same_rows = old.predicate in ("", new.predicate)
    columns = (relation.column(name) for name in old.columns)
    no_nulls = all(column is not None and column.not_null for column in columns)
    nulls = no_nulls or new.nulls_distinct or not old.nulls_distinct
    if set(old.columns) != set(new.columns) and not new.nulls_distinct and not no_nulls:
        nulls = False
    return same_rows and nulls and set(old.columns) <= set(new.columns)


def _differs(column: Column, key: Key) -> bool:
    """Return whether an unknown column never has the same value twice."""
    if not column.fills_itself:
        return key.nulls_distinct
    return bool(column.identity) or is_random(column.default or "")


def _same_for_all(key: Key, pair: Pair) -> bool:
    """Return whether a key is about nothing but one constant for each row of the code's."""
    unknown = {column.name: column for column in pair.unknown()}
    return (
        key.kind != "exclusion"
        and not key.predicate
        and not key.expressions
        and all(name in unknown and not unknown[name].generated for name in key.columns)
    )


RULES = (
    Rule("new-key", "Look for doubles, and whether the code writes any.", _new),
    Rule("unknown-key-constant", "Give the column a value of its own for each row.", _constant),
    Rule("key-lost", "Make the unique index again.", _lost),
)
