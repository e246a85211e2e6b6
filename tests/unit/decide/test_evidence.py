"""What trying statements makes of a risk."""

from __future__ import annotations

import pytest

from rollout.decide.evidence import closed_tables, evidence_of, tell_witness, weigh, weighed
from rollout.model.finding import Finding
from rollout.model.judgement import Grade, Judgement, Reason
from rollout.model.trial import Evidence, Outcome, Witness

INSERT = "insert public.note, few columns"
TAKEN = (
    Outcome(INSERT, "insert into note", relation="public.note"),
    Outcome("insert public.note, all columns", "", "23514", relation="public.note"),
    Outcome("select public.tag", "select", relation="public.tag"),
)
REFUSED = (Outcome(INSERT, "insert into note", "23505", relation="public.note"), *TAKEN[1:])
SHOWN = "; witness: insert into note -> is refused (SQLSTATE 23505)"


def risk(
    rule: str = "new-key", where: str = "public.note.body", grade: Grade = Grade.RISK
) -> Reason:
    return Reason(grade, Finding(rule, "it may be refused", where, "Look."))


def test_only_what_was_taken_before_shows_something():
    evidence = evidence_of(TAKEN, REFUSED)

    assert (evidence.tried, evidence.taken) == (3, {"public.note": 1, "public.tag": 1})
    assert [(one.trial, one.relation) for one in evidence.witnesses] == [(INSERT, "public.note")]


def test_a_risk_with_a_witness_is_a_break_and_says_which():
    shown = weighed(risk(), evidence_of(TAKEN, REFUSED))

    assert shown.grade == Grade.BREAK
    assert shown.finding.consequence == f"it may be refused{SHOWN}"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (risk(), "; 1 statement tried, none refused"),
        (risk(where="public.f()"), "; 2 statements tried, none refused"),
    ],
)
def test_a_risk_that_nothing_shows_stays_one_and_says_how_much_was_tried(reason: Reason, told: str):
    kept = weighed(reason, evidence_of(TAKEN, TAKEN))

    assert kept.grade == Grade.RISK
    assert kept.finding.consequence == f"it may be refused{told}"


@pytest.mark.parametrize(
    ("reason", "grade"),
    [
        (risk("new-check"), Grade.RISK),
        (risk("not-understood"), Grade.BREAK),
        (risk("trigger-changed", "public.f()"), Grade.BREAK),
        (risk("not-understood", "public.tag"), Grade.RISK),
    ],
)
def test_a_witness_speaks_for_what_it_was_refused_by(reason: Reason, grade: Grade):
    assert weighed(reason, evidence_of(TAKEN, REFUSED)).grade == grade


def test_where_nothing_was_taken_before_nothing_is_shown():
    evidence = evidence_of(TAKEN[1:2], TAKEN[1:2])

    assert weighed(risk(), evidence).finding.consequence.endswith(
        "; nothing could be tried: no statement about it was taken before either"
    )


def test_a_type_that_is_only_read_otherwise_breaks_nothing():
    decoded = Witness(
        "select public.note", "select", "a", decodes_only=True, relation="public.note"
    )

    assert weighed(risk("type-wider"), Evidence(1, (decoded,))).grade == Grade.RISK


@pytest.mark.parametrize("grade", [Grade.LOW, Grade.BREAK])
def test_only_risks_are_weighed(grade: Grade):
    assert weighed(risk(grade=grade), evidence_of(TAKEN, REFUSED)) == risk(grade=grade)
    assert weighed(risk(), None) == risk()


def test_a_judgement_is_as_bad_as_its_worst_once_it_is_weighed():
    judgement = Judgement((risk("new-check"), risk(), risk(grade=Grade.LOW)))

    weighty = weigh(judgement, evidence_of(TAKEN, REFUSED))

    assert [one.grade for one in weighty.reasons] == [Grade.BREAK, Grade.RISK, Grade.LOW]


def test_a_delete_speaks_for_the_table_that_refers():
    trial = "delete public.note, and note_id of public.tag"
    kept = Witness(trial, "delete", "is refused", "23503", relation="public.note")

    assert (
        weighed(
            risk("reference-acts-otherwise", "public.tag.note_id"),
            Evidence(1, (kept,), {"public.tag": 1}),
        ).grade
        == Grade.BREAK
    )


def test_a_long_statement_is_cut():
    long = Witness("t", "x" * 1000, "was about 1 rows and is about 0")

    assert tell_witness(long) == f"witness: {'x' * 299}… -> was about 1 rows and is about 0"


def test_a_table_is_closed_when_none_of_its_inserts_was_taken():
    outcomes = (
        Outcome("row 1 of public.a", "", "42501"),
        Outcome("insert public.a, few columns", "", "42501"),
        Outcome("insert public.a, all columns", ""),
        Outcome("insert public.b, few columns", "", "42501"),
        Outcome("update public.c, x", "", "42501"),
    )

    assert closed_tables(outcomes) == {"public.b"}
