"""Corrective migrations: drafted for every break of the lab, and run on the changed database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollout.decide.compatible.judge import compatible
from rollout.decide.corrective import decide_corrective
from rollout.executors.trial import try_statements
from rollout.migrations.corrective import Draft, draft
from rollout.migrations.journal import split_statements
from rollout.migrations.trials import trials, witnesses
from rollout.model.finding import Go, Verdict
from rollout.model.judgement import Grade
from tests.support.contract_changes import CHANGES
from tests.support.contract_lab import Change, Lab, contract_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.trial import Outcome

pytestmark = pytest.mark.rehearsal

BREAKS = tuple(change for change in CHANGES if change.grade == Grade.BREAK)
# Both codes cannot have their way: what the newer one reads or names is what stops the older one.
WITHOUT_DRAFT = {
    change.name for change in BREAKS if change.rule == "type-other"
} | {
    "new unique column where null stands once",
    "new primary key over what may repeat",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    draft: Draft
    verdict: Verdict | None


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with contract_lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def base(lab: Lab) -> tuple[Outcome, ...]:
    with lab.changed(CHANGES[0]) as copy:
        return try_statements(copy.address, lab.app, trials(lab.contract), print)


def tried(lab: Lab, base: tuple[Outcome, ...], change: Change) -> Tried:
    with lab.changed(change) as copy:
        live = lab.read(copy)
        drafted = draft(lab.contract, live, compatible(lab.contract, live))
        if drafted.missing:
            return Tried(drafted, None)
        for part in split_statements(drafted.text):
            copy.ask(part)
        after = lab.read(copy)
        said = try_statements(copy.address, lab.app, trials(lab.contract), print)
        met = witnesses(base, said)
        return Tried(drafted, decide_corrective(drafted, lab.contract, live, after, met))


@pytest.mark.parametrize("change", BREAKS, ids=[change.name for change in BREAKS])
def test_a_break_is_restored_or_it_is_said_why_not(
    lab: Lab, base: tuple[Outcome, ...], change: Change
):
    one = tried(lab, base, change)

    if change.name in WITHOUT_DRAFT:
        assert one.draft.missing
        assert all(missing.answer.lost for missing in one.draft.missing)
    else:
        assert isinstance(one.verdict, Go), f"{one.draft.describe()}\n{one.verdict}"


def test_most_breaks_have_a_draft():
    names = {change.name for change in BREAKS}

    assert len(names) >= 43
    assert names >= WITHOUT_DRAFT
    assert len(names - WITHOUT_DRAFT) >= 30


def test_a_drafted_identity_goes_on_after_the_rows_that_are_there(lab: Lab):
    lost = next(change for change in BREAKS if change.name == "identity lost")
    with lab.changed(lost) as copy:
        copy.ask("alter table comments disable trigger all")
        copy.ask(f"insert into comments (id, post_id, body) values (41, '{uuid4()}', 'x')")
        live = lab.read(copy)
        for part in split_statements(
            draft(lab.contract, live, compatible(lab.contract, live)).text
        ):
            copy.ask(part)

        made = copy.ask(
            f"insert into comments (post_id, body) values ('{uuid4()}', 'y') returning id"
        )
        assert made == [(42,)]


def test_a_renamed_table_is_one_table_for_both_codes(lab: Lab):
    renamed = next(change for change in BREAKS if change.name == "table renamed")
    with lab.changed(renamed) as copy:
        copy.ask("insert into journal (what) values ('of the newer code')")
        live = lab.read(copy)
        for part in split_statements(
            draft(lab.contract, live, compatible(lab.contract, live)).text
        ):
            copy.ask(part)
        copy.ask(f"set role {lab.app}; insert into audit (what) values ('of the older code')")

        assert copy.ask("select what from journal order by what") == [
            ("of the newer code",),
            ("of the older code",),
        ]
