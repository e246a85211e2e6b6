"""Steps of a folder: what of each is tried, and whether all were judged rightly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rollout.decide.judge_steps import decide_tried, judge_step
from rollout.migrations.journal import JOURNAL, dialect
from rollout.model.catalog import Catalog
from rollout.model.contract import Contract, EnumType, ForeignKey, Function
from rollout.model.finding import Finding
from rollout.model.judged_step import JudgedStep, Skipped, Walk, Walked
from rollout.model.judgement import Grade, Judgement, Reason
from rollout.model.statement import Compatibility
from rollout.model.trial import Evidence, Witness
from rollout.render.judged import render_step, render_walk, step_json, walk_json
from tests.support.contracts import NOTE, column, contract, note, table
from tests.support.migrations import migration

REFUSED = Witness(
    "insert public.note", "insert into note", "is refused", "23502", relation="public.note"
)
DECODED = Witness(
    "select public.note", "select", "int4 became text", decodes_only=True, relation="public.note"
)
TAG = table(column("id", "integer"), name="public.tag")


def judgement(grade: Grade) -> Judgement:
    return Judgement((Reason(grade, Finding("column-gone", "it is gone", "public.note.x", "")),))


def step(
    grade: Grade, *witnesses: Witness, sql: str = "alter table note drop column x"
) -> JudgedStep:
    left_out = (Skipped("0001_step.sql, statement 2", "extension postgis: it is not there"),)
    evidence = Evidence(12, witnesses, {"public.note": 9})
    walked = Walked(left_out, judgement(grade), evidence, 0.25)
    return judge_step(migration(sql), Catalog({}, frozenset()), walked)


def test_a_step_is_what_its_text_and_its_walk_say():
    one = step(Grade.BREAK, DECODED, REFUSED)

    assert (one.tag, one.statements, one.unparsed) == ("0001_step", 1, ())
    assert (one.outlook, one.rules) == (Compatibility.BREAKING, ("drop-column",))
    assert (one.grade, one.witness) == (Grade.BREAK, REFUSED)


def test_what_does_not_parse_is_named_and_says_nothing():
    one = step(Grade.OK, sql="create x ()")

    assert (one.statements, one.outlook) == (0, None)
    assert one.unparsed == ("0001_step.sql, statement 1, line 1",)


@pytest.mark.parametrize(
    ("judged", "missed", "in_vain"),
    [
        (step(Grade.LOW, REFUSED), True, False),
        (step(Grade.RISK, REFUSED), False, False),
        (step(Grade.OK, DECODED), False, False),
        (step(Grade.BREAK), False, True),
        (step(Grade.BREAK, DECODED), False, False),
        (step(Grade.OK), False, False),
    ],
)
def test_a_step_is_held_against_its_witnesses(judged: JudgedStep, missed: bool, in_vain: bool):
    assert (judged.is_missed, judged.is_refused_in_vain) == (missed, in_vain)


@pytest.mark.parametrize(
    ("steps", "hold"),
    [
        ((), True),
        ((step(Grade.OK),) * 21 + (step(Grade.BREAK),), True),
        ((step(Grade.OK),) * 19 + (step(Grade.BREAK),), False),
        ((step(Grade.OK, REFUSED),), False),
        ((step(Grade.OK, sql="create x ()"),), False),
        ((step(Grade.BREAK, REFUSED),), True),
    ],
)
def test_the_aims_hold_or_not(steps: tuple[JudgedStep, ...], hold: bool):
    assert Walk(steps).aims_hold == hold


def test_what_breaks_a_table_that_took_nothing_before_either_cannot_be_shown():
    one = step(Grade.BREAK)
    evidence = replace(one.walked.evidence, closed=frozenset({"public.note"}))
    closed = replace(one, walked=replace(one.walked, evidence=evidence))

    assert closed.cannot_be_shown
    assert not closed.is_refused_in_vain
    assert Walk((closed, closed)).in_vain_share == 0
    assert "cannot be shown" in render_step(closed)


def test_a_step_written_out():
    assert render_step(step(Grade.LOW, REFUSED)) == (
        "LOW   0001_step  text: breaking  0.25 s\n"
        "  rules: drop-column\n"
        "  relation: column-gone: public.note.x: it is gone\n"
        "  witness: insert into note is refused (SQLSTATE 23502)\n"
        "  MISSED: called LOW against a witness\n"
        "  left out: 0001_step.sql, statement 2: extension postgis: it is not there"
    )
    assert "refused in vain" in render_step(step(Grade.BREAK))
    assert "  tried: 12 statements; weighed: BREAK\n" in render_step(step(Grade.RISK, REFUSED))
    assert "  tried: 12 statements; weighed: RISK\n" in render_step(step(Grade.RISK, DECODED))
    assert "does not parse: 0001_step.sql" in render_step(step(Grade.OK, sql="create x"))


def test_a_summary_written_out():
    risks = step(Grade.RISK), step(Grade.RISK, REFUSED)
    walk = Walk((step(Grade.OK), *risks, step(Grade.BREAK, REFUSED), step(Grade.BREAK)))

    assert render_walk(walk) == (
        "5 steps, 5 statements: 1 OK, 2 RISK, 2 BREAK\n"
        "breaking called OK or LOW: 0 (aim 0)\n"
        "compatible steps refused: 1 of 3, 33.3% (aim below 5%); cannot be shown: 0\n"
        "a RISK that a statement shows: 1 of 2\n"
        "parts that do not parse: 0 (aim 0); left out by the server: 5\n"
        "0.25 s a step in the middle, 0.25 s at most\n"
        "the aims do not hold"
    )
    assert json.loads(walk_json(walk))["summary"]["grades"] == {"OK": 1, "RISK": 2, "BREAK": 2}
    assert render_walk(Walk(())).endswith("the aims hold")


def test_a_step_as_json():
    assert json.loads(step_json(step(Grade.LOW, REFUSED))) == {
        "tag": "0001_step",
        "statements": 1,
        "unparsed": [],
        "text": "breaking",
        "rules": ["drop-column"],
        "relation": "LOW",
        "weighed": "LOW",
        "reason": {"rule": "column-gone", "where": "public.note.x"},
        "witness": {
            "statement": "insert into note",
            "says": "is refused",
            "sqlstate": "23502",
            "decodes_only": False,
        },
        "missed": True,
        "cannot_be_shown": False,
        "refused_in_vain": False,
        "left_out": [
            {"where": "0001_step.sql, statement 2", "why": "extension postgis: it is not there"}
        ],
        "tried": 12,
        "seconds": 0.25,
    }


REFERS = table(
    column("note_id", "integer"),
    name="public.refers",
    foreign_keys=(ForeignKey(("note_id",), "public.note", ("id",)),),
)
VIEW = table(column("id"), name="public.notes", kind="view")
PART = replace(TAG, name="public.part", parent="public.tag")
MOODY = table(column("mood", "public.mood[]"), name="public.moody")
CALM = EnumType("public.mood", ("calm",))


@pytest.mark.parametrize(
    ("old", "live", "tried"),
    [
        (note(), note(), set()),
        (contract(NOTE, TAG), contract(NOTE, TAG, REFERS), {"public.note"}),
        (contract(NOTE, TAG), contract(TAG), {"public.note"}),
        (contract(NOTE, TAG, REFERS), contract(NOTE, TAG), {"public.note", "public.refers"}),
        (contract(NOTE, TAG, VIEW), contract(NOTE, VIEW), {"public.tag", "public.notes"}),
        (
            contract(TAG, PART),
            contract(TAG, replace(PART, definition="FOR VALUES IN (1)")),
            {"public.tag", "public.part"},
        ),
        (contract(NOTE, MOODY, enums=(CALM,)), contract(NOTE, MOODY), {"public.moody"}),
        (
            contract(NOTE, TAG),
            contract(NOTE, TAG, functions=(Function("public.f()", "x", usable=True),)),
            {"public.note", "public.tag"},
        ),
    ],
)
def test_only_what_a_step_may_have_changed_is_tried(old: Contract, live: Contract, tried: set[str]):
    assert decide_tried(old, live) == tried


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"dialect": "pg"}', "postgresql"),
        ('{"dialect": "mysql"}', "mysql"),
        ("{}", ""),
        ("[]", ""),
        ("{", ""),
    ],
)
def test_a_journal_says_for_what_server_it_is(text: str, named: str):
    assert dialect({JOURNAL: text}) == named


def test_a_folder_without_a_journal_says_nothing():
    assert dialect({}) == ""
