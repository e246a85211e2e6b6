"""The lab: single changes of a schema on a real PostgreSQL, judged, and tried as the old code.

Each change is made in a copy of the base schema. The relation judges the two contracts; beside that
the statements that code of the base would send are tried in both, and what was accepted and is
refused now, or has other rows, is a witness. No witness may stand against an OK or a LOW: there is
no exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from rollout.decide.compatible.judge import compatible
from rollout.errors import DatabaseError
from rollout.executors.trial import try_statements
from rollout.migrations.trials import trials, witnesses
from rollout.model.judgement import Grade, Judgement
from rollout.model.trial import Witness
from tests.support.contract_changes import CHANGES
from tests.support.contract_lab import Change, Lab, contract_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.trial import Outcome

pytestmark = pytest.mark.rehearsal

NOTHING = CHANGES[0]
# They change the type that a client decodes, and every value is taken as before: a BREAK of what is
# read, which no statement's refusal can show.
READ_OTHERWISE = {
    "integer to text",
    "jsonb to text",
    "timestamptz to timestamp",
    "date to timestamp",
    "real to numeric",
    "array to text",
    "enum to text",
}


@dataclass(frozen=True, slots=True)
class Judged:
    judgement: Judgement
    witnesses: tuple[Witness, ...]

    @property
    def refused(self) -> tuple[Witness, ...]:
        return tuple(witness for witness in self.witnesses if not witness.decodes_only)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with contract_lab() as lab:
        yield lab


def outcomes(lab: Lab, change: Change) -> tuple[Outcome, ...]:
    with lab.changed(change) as copy:
        return try_statements(copy.address, lab.app, trials(lab.contract), print)


@pytest.fixture(scope="module")
def base(lab: Lab) -> tuple[Outcome, ...]:
    return outcomes(lab, NOTHING)


@pytest.fixture(scope="module")
def judged(lab: Lab, base: tuple[Outcome, ...]) -> dict[str, Judged]:
    found: dict[str, Judged] = {}
    for change in CHANGES:
        with lab.changed(change) as copy:
            judgement = compatible(lab.contract, lab.read(copy))
            after = try_statements(copy.address, lab.app, trials(lab.contract), print)
            found[change.name] = Judged(judgement, witnesses(base, after))
    return found


@pytest.mark.parametrize("change", CHANGES, ids=[change.name for change in CHANGES])
def test_a_change_is_judged_and_no_witness_speaks_against_it(
    judged: dict[str, Judged], change: Change
):
    one = judged[change.name]
    worst = {
        reason.finding.rule
        for reason in one.judgement.reasons
        if reason.grade == one.judgement.grade
    }

    assert one.judgement.grade == change.grade, one.judgement.describe()
    assert change.rule in (worst or {""}) or not change.rule, one.judgement.describe()
    assert one.judgement.grade >= Grade.RISK or one.refused == ()


def test_the_lab_is_large_and_each_change_has_a_name_of_its_own():
    assert len({change.name for change in CHANGES}) == len(CHANGES) >= 110


def test_few_compatible_changes_are_called_a_break(judged: dict[str, Judged]):
    compatible_ones = {name: one for name, one in judged.items() if not one.refused}
    breaks = {name for name, one in compatible_ones.items() if one.judgement.grade == Grade.BREAK}

    assert len(breaks - READ_OTHERWISE) < 0.05 * len(compatible_ones)
    assert all(judged[name].witnesses[0].decodes_only for name in READ_OTHERWISE)


def test_most_breaks_are_seen_to_be_some(judged: dict[str, Judged]):
    """Without witnesses for what breaks, their absence would say nothing."""
    breaks = [one for one in judged.values() if one.judgement.grade == Grade.BREAK]

    assert len([one for one in breaks if one.refused]) >= 30


def test_nearly_all_statements_are_accepted_by_the_schema_that_they_were_made_for(
    base: tuple[Outcome, ...],
):
    refused = [outcome.trial for outcome in base if outcome.sqlstate]

    assert len(base) > 190
    assert len(refused) < 0.1 * len(base), refused


def test_the_same_schema_has_no_witness(lab: Lab, base: tuple[Outcome, ...]):
    assert witnesses(base, outcomes(lab, NOTHING)) == ()


def test_a_witness_is_the_statement_itself(judged: dict[str, Judged]):
    first = judged["null refused"].refused[0]

    assert (first.sqlstate, first.says) == ("23502", "is refused")
    assert first.statement.startswith("insert into users (")


def test_trials_leave_no_rows(lab: Lab):
    with lab.changed(NOTHING) as copy:
        try_statements(copy.address, lab.app, trials(lab.contract), print)

        assert copy.ask("select count(*) from users union all select count(*) from audit") == [
            (0,),
            (0,),
        ]


def test_a_role_that_is_not_there_is_told(lab: Lab):
    with lab.changed(NOTHING) as copy, pytest.raises(DatabaseError, match="cannot be tried"):
        try_statements(copy.address, "nobody at all", (), print)
