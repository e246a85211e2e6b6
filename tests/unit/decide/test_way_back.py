"""Whether the release before is taken up again, by what is known of its code and the schema."""

from __future__ import annotations

import pytest

from rollout.decide.way_back import WayBack, decide_way_back, same_schema
from rollout.model.finding import Finding
from rollout.model.judgement import Grade, Judgement, Reason
from tests.support.values import release

FORMER = release(11)


def reason(grade: Grade, where: str) -> Reason:
    return Reason(grade, Finding("column-gone", "the column is gone", where, "Add it."))


BROKEN = Judgement(tuple(reason(Grade.BREAK, f"note.{name}") for name in ("a", "b", "c", "d")))


@pytest.mark.parametrize(
    ("known", "way"),
    [
        pytest.param(Judgement(), WayBack(open=True), id="the schema is the same"),
        pytest.param(
            Judgement((reason(Grade.LOW, "note.a"),)), WayBack(open=True), id="only harmless"
        ),
        pytest.param(
            Judgement((reason(Grade.RISK, "note.a"), reason(Grade.LOW, "note.b"))),
            WayBack(
                open=True,
                told="The schema is a risk for the code of release 11: note.a: the column is gone.",
            ),
            id="a risk goes back with a note",
        ),
        pytest.param(
            BROKEN,
            WayBack(
                open=False,
                told="The code of release 11 cannot live with the schema that is there now: "
                "note.a: the column is gone; note.b: the column is gone; "
                "note.c: the column is gone; and 1 more.",
            ),
            id="a break holds",
        ),
        pytest.param(
            Finding("no-contract", "release 11 has no schema contract", "there", "Deploy anew."),
            WayBack(
                open=True,
                told="Whether release 11 can live with the schema is not known: "
                "release 11 has no schema contract.",
            ),
            id="what nobody knows goes back with a note",
        ),
    ],
)
def test_the_way_back(known: Judgement | Finding, way: WayBack):
    assert decide_way_back(FORMER, known) == way


@pytest.mark.parametrize(
    ("left", "former", "same"), [("1", "1", True), ("1", "2", False), ("", "", False)]
)
def test_one_contract_is_one_schema(left: str, former: str, same: bool):
    assert same_schema(release(12, contract=left), release(11, contract=former)) is same
