"""Checks on rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollout.decide.compatible.expressions import passes_null
from rollout.decide.compatible.rule import Comparison, Pair, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Check

_NOT_NULL = re.compile(r"\(\"?(?P<column>[^()\"]+)\"? IS NOT NULL\)\Z")


def _new(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        known = {check.expression for check in pair.old.checks}
        for check in pair.new.checks:
            if check.expression not in known and not _implied(check, pair):
                seen = "the rows that are there satisfy it" if check.validated else "not validated"
                told = f"rows may be refused by {check.expression} ({seen})"
                yield Said(Grade.RISK, ", ".join(check.columns), told, pair.old.name)


def _implied(check: Check, pair: Pair) -> bool:
    """Return whether no row of the code's can fail a check."""
    found = _NOT_NULL.match(check.expression)
    if found is not None:
        column = pair.new.column(found["column"])
        return column is not None and column.not_null
    unknown = {column.name: column for column in pair.unknown()}
    return (
        bool(check.columns)
        and all(name in unknown and not unknown[name].fills_itself for name in check.columns)
        and passes_null(check.expression)
    )


def _lost(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        kept = {check.expression for check in pair.new.checks}
        for check in pair.old.checks:
            if check.expression not in kept:
                told = f"{check.expression} is not asked any more"
                yield Said(Grade.LOW, ", ".join(check.columns), told, pair.old.name)
    for name, old in both.domains[0].items():
        new = both.domains[1].get(name)
        for check in sorted(set(old.checks) - set(new.checks if new else old.checks)):
            yield Said(Grade.LOW, name, f"{check} is not asked any more")


RULES = (
    Rule("new-check", "Look which rows the code writes, or drop the check.", _new),
    Rule("check-lost", "See that the code does not rely on the refusal.", _lost),
)
