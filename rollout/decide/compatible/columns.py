"""Columns that the code does not know: it never gives them, so the database alone fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.expressions import default_may_fail, generated_may_fail
from rollout.decide.compatible.rule import Comparison, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator


def _required(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for column in pair.unknown():
            if column.not_null and not column.fills_itself:
                told = "must be given, and the code does not know it (23502)"
                yield Said(Grade.BREAK, column.name, told, pair.old.name, "INSERT")


def _default(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for column in pair.unknown():
            default = column.default
            if default is None or not column.fills_itself:
                continue
            checked = column.type in both.domains[1] and both.domains[1][column.type].checks
            if checked or default_may_fail(default, column.type):
                told = f"its default {default} may fail for the role"
                yield Said(Grade.RISK, column.name, told, pair.old.name, "INSERT")


def _generated(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for column in pair.unknown():
            typed = column.type in both.domains[1] or column.not_null
            if column.generated and (typed or generated_may_fail(column.generated, column.type)):
                told = f"computing {column.generated} may refuse a row"
                yield Said(Grade.RISK, column.name, told, pair.old.name, "INSERT")


def _sequence_closed(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        before = {column.name: column for column in pair.old.columns}
        for column in pair.new.columns:
            old = before.get(column.name)
            if not column.sequence_usable and (old is None or old.sequence_usable):
                told = f"the role may not take from {column.sequence} (42501)"
                yield Said(Grade.BREAK, column.name, told, pair.old.name, "INSERT")


RULES = (
    Rule("unknown-column-required", "Give the column a default, or let it be NULL.", _required),
    Rule("unknown-default", "Try an insert as the role, or use a plain value.", _default),
    Rule("unknown-generated", "Try an insert with the values that the code writes.", _generated),
    Rule("sequence-closed", "GRANT USAGE on the sequence to the role.", _sequence_closed),
)
