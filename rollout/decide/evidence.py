"""Grades what a comparison of contracts found by what the code's statements met.

One place for all that try statements: the judge of a folder, the plan of a deploy, a rollback. A
witness says that something can be refused, not that it will be: the values are made up. Without one
a risk stays a risk, because not everything that the code does is tried.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.migrations.trials import witnesses
from rollout.model.judgement import Grade, Judgement
from rollout.model.trial import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.model.judgement import Reason
    from rollout.model.trial import Outcome, Witness

SHOWN_CHARACTERS = 300
"""How much of a witness' statement is shown."""
# With which SQLSTATE a rule's difference refuses; another one is another difference's.
_REFUSES_WITH = {
    "key-lost": ("42P10",),
    "new-check": ("23514",),
    "new-key": ("23505", "23P01"),
    "new-reference": ("23503",),
    "null-refused": ("23502",),
}


def evidence_of(before: Iterable[Outcome], after: Iterable[Outcome]) -> Evidence:
    """Return what the same trials show of two databases.

    Args:
        before: What the one with the schema that the code was verified with said.
        after: What the other one said.
    """
    before, after = tuple(before), tuple(after)
    taken = Counter(dict.fromkeys((one.relation for one in before), 0))
    taken.update(one.relation for one in before if not one.sqlstate)
    return Evidence(len(after), witnesses(before, after), taken, closed_tables(before))


def closed_tables(outcomes: Iterable[Outcome]) -> frozenset[str]:
    """Return the tables that took none of the inserts that were tried, in full.

    Policies that ask who the session is for, or a check that no made-up value fulfils, keep all of
    them away.

    Args:
        outcomes: What a database said to the trials of its own contract.
    """
    taken: dict[str, bool] = {}
    for one in outcomes:
        name = one.trial.removeprefix("insert ").partition(", ")[0]
        if one.trial != name and one.trial.startswith("insert "):
            taken[name] = taken.get(name, False) or not one.sqlstate
    return frozenset(name for name, was in taken.items() if not was)


def weigh(judgement: Judgement, evidence: Evidence | None) -> Judgement:
    """Return a judgement whose risks say what was tried; a witness makes a risk a break.

    Args:
        judgement: What the contracts say.
        evidence: What was tried; None where nobody tried, and then nothing is changed.
    """
    reasons = (weighed(reason, evidence) for reason in judgement.reasons)
    return Judgement(tuple(sorted(reasons, key=lambda one: -one.grade)))


def weighed(reason: Reason, evidence: Evidence | None) -> Reason:
    """Return a risk with what was tried about it; every other reason stays as it is.

    Args:
        reason: One difference.
        evidence: What was tried; None where nobody tried.
    """
    if evidence is None or reason.grade != Grade.RISK:
        return reason
    witness = _witness(reason, evidence)
    grade = reason.grade if witness is None else Grade.BREAK
    told = tell_witness(witness) if witness else _tell_none(_taken(reason, evidence))
    consequence = f"{reason.finding.consequence}; {told}"
    return replace(reason, grade=grade, finding=replace(reason.finding, consequence=consequence))


def tell_witness(witness: Witness) -> str:
    """Return a witness as a lower-case fragment: its statement, and what became of it."""
    text = witness.statement
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[: SHOWN_CHARACTERS - 1]}…"
    code = f" (SQLSTATE {witness.sqlstate})" if witness.sqlstate else ""
    return f"witness: {text} -> {witness.says}{code}"


def _tell_none(taken: int) -> str:
    if not taken:
        return "nothing could be tried: no statement about it was taken before either"
    noun = "statement" if taken == 1 else "statements"
    return f"{taken} {noun} tried, none refused"


def _witness(reason: Reason, evidence: Evidence) -> Witness | None:
    codes = _REFUSES_WITH.get(reason.finding.rule)
    relations = _relations(reason, evidence)
    fitting = tuple(
        one
        for one in evidence.witnesses
        if not one.decodes_only
        and (codes is None or one.sqlstate in codes)
        and (one.relation in relations or any(f" of {name}" in one.trial for name in relations))
    )
    return Evidence(witnesses=fitting).witness


def _taken(reason: Reason, evidence: Evidence) -> int:
    return sum(evidence.taken.get(name, 0) for name in _relations(reason, evidence))


def _relations(reason: Reason, evidence: Evidence) -> frozenset[str]:
    """Return the relations that a reason is about: all where its place is none of theirs.

    A function, a type, a setting or a table that the code does not know may act on any of them.
    """
    where = reason.finding.where
    every = frozenset(evidence.taken) | {one.relation for one in evidence.witnesses}
    named = {name for name in every if where == name or where.startswith(f"{name}.")}
    return frozenset(named) or every
