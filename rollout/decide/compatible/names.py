"""Names that the code uses: relations, columns, sequences, and what stands behind a view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.rule import Comparison, Pair, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Relation


def _relation_gone(both: Comparison) -> Iterator[Said]:
    after = both.relations[1]
    for relation in both.old.relations:
        if relation.name not in after and relation.parent not in after:
            consequence = f"there is no such {relation.kind} any more"
            yield Said(Grade.BREAK, "", consequence, relation.name)


def _kind_changed(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        if pair.old.kind != pair.new.kind:
            consequence = f"was a {pair.old.kind} and is a {pair.new.kind}"
            yield Said(Grade.RISK, "", consequence, pair.old.name)


def _column_gone(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        there = {column.name for column in pair.new.columns}
        for column in pair.old.columns:
            if column.name not in there:
                consequence = "each read and insert of this table names it"
                yield Said(Grade.BREAK, column.name, consequence, pair.old.name)


def _view_changed(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        if "view" in pair.old.kind and pair.old.definition != pair.new.definition:
            yield Said(Grade.RISK, "", "the view asks something else", pair.old.name)


def _partition_changed(both: Comparison) -> Iterator[Said]:
    after = both.relations[1]
    for pair in both.pairs:
        table = "view" not in pair.old.kind
        if pair.old.parent != pair.new.parent or (
            table and pair.old.definition != pair.new.definition
        ):
            yield Said(Grade.RISK, "", "other rows belong into it", pair.old.name)
    for relation in both.old.relations:
        if relation.parent in after and relation.name not in after:
            yield Said(Grade.RISK, "", "rows that belong into it have no place", relation.name)
    known = {pair.old.name: pair for pair in both.pairs}
    for relation in both.new.relations:
        if relation.name not in both.relations[0] and relation.parent in known:
            yield from _stricter_part(relation, known[relation.parent])


def _stricter_part(part: Relation, whole: Pair) -> Iterator[Said]:
    """Yield what a new partition refuses that its table did not."""
    checks = {check.expression for check in whole.old.checks}
    keys = {frozenset(key.columns) for key in whole.old.keys}
    required = {column.name for column in whole.old.columns if column.not_null}
    if (
        any(check.expression not in checks for check in part.checks)
        or any(frozenset(key.columns) not in keys for key in part.keys)
        or any(column.not_null and column.name not in required for column in part.columns)
        or len(part.triggers) > len(whole.old.triggers)
        or part.rules
    ):
        yield Said(
            Grade.RISK, "", f"a part of {whole.old.name} has conditions of its own", part.name
        )


def _sequence_gone(both: Comparison) -> Iterator[Said]:
    after = {sequence.name: sequence for sequence in both.new.sequences}
    for sequence in both.old.sequences:
        found = after.get(sequence.name)
        if found is None:
            yield Said(Grade.RISK, sequence.name, "there is no such sequence any more")
        elif sequence.usable and not found.usable:
            yield Said(Grade.RISK, sequence.name, "the role may not take from it any more")


RULES = (
    Rule(
        "relation-gone",
        "Make it again under its old name, a view for instance, or deploy code without it.",
        _relation_gone,
    ),
    Rule(
        "kind-changed",
        "Try the code's statements: not every view takes inserts, upserts and locks.",
        _kind_changed,
    ),
    Rule(
        "column-gone",
        "Add the column again, able to be NULL; its values do not come back by that.",
        _column_gone,
    ),
    Rule("view-changed", "Compare what the view gives with what the code expects.", _view_changed),
    Rule(
        "partition-changed",
        "See that each row that the code writes still has a partition that takes it.",
        _partition_changed,
    ),
    Rule("sequence-gone", "Look whether the code takes from it by name.", _sequence_gone),
)
