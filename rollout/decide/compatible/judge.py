"""Judges two contracts by all rules: the worst reason wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible import (
    checks,
    columns,
    defaults,
    enums,
    keys,
    names,
    nulls,
    references,
    rights,
    surroundings,
    types,
)
from rollout.decide.compatible.rule import Comparison, Rule, Said
from rollout.model.finding import Finding
from rollout.model.judgement import Grade, Judgement, Reason

if TYPE_CHECKING:
    from rollout.model.contract import Contract, Relation

RULES: tuple[Rule, ...] = tuple(
    rule
    for family in (
        names,
        types,
        enums,
        nulls,
        defaults,
        columns,
        checks,
        keys,
        references,
        rights,
        surroundings,
    )
    for rule in family.RULES
)
"""All rules, family by family."""


def compatible(contract: Contract, live: Contract) -> Judgement:
    """Judge whether code that was verified with one schema can live with another.

    Args:
        contract: What the code was verified with.
        live: What is there now, or will be.

    Returns:
        The judgement; `OK` without reasons for two equal contracts. Two that differ in a way that
        no rule understands are a `RISK`.
    """
    both = Comparison.of(contract, live)
    reasons = [_reason(rule, said, both) for rule in RULES for said in rule.look(both)]
    return Judgement(tuple(sorted(reasons, key=_worst_first)))


def _reason(rule: Rule, said: Said, both: Comparison) -> Reason:
    grade = said.grade
    relation = both.relations[0].get(said.relation)
    # What the role may not do, code can still do through a trigger or a function: not a break that
    # is seen, but none that can be ruled out either.
    if relation is not None and not _met(relation, said.needs):
        grade = min(grade, Grade.RISK)
    return Reason(grade, Finding(rule.name, said.consequence, said.where, rule.help))


def _met(relation: Relation, needs: str) -> bool:
    held = set(relation.may).union(*(column.may for column in relation.columns))
    return needs in held if needs else bool(held)


def _worst_first(reason: Reason) -> tuple[int, str, str, str]:
    finding = reason.finding
    return -reason.grade, finding.rule, finding.where, finding.consequence
