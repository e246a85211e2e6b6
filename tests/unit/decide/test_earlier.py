"""Whether an earlier release may serve again with the schema that is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.config import parse_environment
from rollout.decide.compatible.judge import compatible
from rollout.decide.earlier import (
    ACCEPTABLE,
    UNKNOWN,
    Earlier,
    is_drafted,
    judge_earlier,
    wants_evidence,
)
from rollout.model.activation import Wish
from rollout.model.candidate import Candidate
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.judgement import Grade, Judgement, Reason
from rollout.model.overview import ReleaseLine
from rollout.model.trial import Evidence, Witness
from rollout.render.rollback import render_choice, render_ways_back
from tests.support.contracts import column, note
from tests.support.values import SMALL_ENVIRONMENT

NO_CONTRACT = Finding("no-contract", "release 3 has no schema contract", "there", "Deploy anew.")
WITNESS = Witness(
    "insert public.note, few columns", "insert into note", "is refused", "23502",
    relation="public.note",
)  # fmt: skip
SEEN = Evidence(3, (WITNESS,), {"public.note": 2})


def candidate(
    number: int, judged: Judgement | Finding, *, serves: bool = False, on_host: bool = True
) -> Candidate:
    line = ReleaseLine(
        number, f"{number:x}" * 40, "sha256:1", "verified", "2026-11-25T10:00:00Z", "ada", "", "",
        None, on_host,
    )  # fmt: skip
    return Candidate(line, serves, judged)


def judgement(*grades: Grade) -> Judgement:
    names = ("null-allowed", "view-changed", "kind-changed")
    return Judgement(
        tuple(
            Reason(grade, Finding(name, f"{name} differs", "public.note", "Look."))
            for grade, name in zip(grades, names, strict=False)
        )
    )


def judge(judged: Judgement | Finding, *accepted: str, evidence: Evidence | None = None) -> Verdict:
    serving = candidate(5, Judgement(), serves=True)
    pruned = candidate(1, Judgement(), on_host=False)
    every = (serving, candidate(4, Judgement()), candidate(3, judged), candidate(2, judged), pruned)
    return judge_earlier(Earlier(every[2], every, evidence, environment="staging"), accepted)


@pytest.mark.parametrize("judged", [judgement(), judgement(Grade.LOW)])
def test_what_is_compatible_goes(judged: Judgement):
    verdict = judge(judged)

    assert isinstance(verdict, Go)
    assert verdict.findings == tuple(reason.finding for reason in judged.reasons)


def test_all_risks_are_named_at_once_with_what_was_seen():
    verdict = judge(judgement(Grade.RISK, Grade.RISK, Grade.LOW), evidence=SEEN)

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.consequence) for one in verdict.findings] == [
        (name, f"{name} differs; witness: insert into note -> is refused (SQLSTATE 23502)")
        for name in ("null-allowed", "view-changed")
    ]
    assert verdict.findings[-1].help == (
        "Look. To go back all the same, roll back with `accept` naming null-allowed, view-changed."
    )


def test_where_nothing_was_refused_the_refusal_says_how_much_was_tried():
    verdict = judge(judgement(Grade.RISK), evidence=replace(SEEN, witnesses=()))

    assert isinstance(verdict, Refuse)
    assert verdict.findings[0].consequence.endswith("; 2 statements tried, none refused")


def test_a_risk_that_was_seen_is_accepted_by_its_name_like_any_other():
    assert isinstance(judge(judgement(Grade.RISK), "null-allowed", evidence=SEEN), Go)


@pytest.mark.parametrize(
    ("judged", "accepted", "wanted"),
    [
        (judgement(Grade.RISK), (), True),
        (judgement(Grade.RISK), ("null-allowed",), False),
        (judgement(Grade.RISK), ("nul-allowed",), False),
        (judgement(Grade.BREAK), (), False),
        (judgement(Grade.LOW), (), False),
        (NO_CONTRACT, (), False),
    ],
)
def test_statements_are_tried_only_before_a_refusal_for_a_risk(
    judged: Judgement | Finding, accepted: tuple[str, ...], wanted: bool
):
    chosen = candidate(3, judged)

    assert wants_evidence(Earlier(chosen, (chosen,), environment="staging"), accepted) == wanted


def test_a_risk_is_accepted_by_name_and_only_that_one():
    judged = judgement(Grade.RISK, Grade.RISK)

    half, whole = judge(judged, "null-allowed"), judge(judged, "null-allowed", "view-changed")

    assert isinstance(half, Refuse)
    assert [one.rule for one in half.findings] == ["view-changed"]
    assert isinstance(whole, Go)
    assert [one.consequence[:10] for one in whole.findings] == ["accepted: ", "accepted: "]


def test_what_breaks_is_never_accepted_and_other_ways_are_named():
    broken = compatible(note(column("extra")), note())

    verdict = judge(broken, "column-gone")

    assert isinstance(verdict, Refuse)
    (finding,) = verdict.findings
    assert (finding.rule, finding.where) == ("column-gone", "public.note.extra")
    assert "Compatible with the schema: 4 (444444444444)." in finding.help
    assert "bin/rollback 3 --strategy corrective --reason WHY --environment staging" in finding.help


def test_where_nothing_else_fits_that_is_said():
    broken = candidate(3, compatible(note(column("extra")), note()))

    verdict = judge_earlier(Earlier(broken, (broken,), environment="staging"), ())

    assert "Compatible with the schema: no other release." in verdict.findings[0].help


def test_where_an_own_command_migrates_no_draft_is_named():
    broken = candidate(3, compatible(note(column("extra")), note()))

    verdict = judge_earlier(Earlier(broken, (broken,), is_drafted=False, environment="staging"), ())

    help_ = verdict.findings[0].help
    assert "needs: write the migration, and deploy it before going back." in help_
    assert "--strategy corrective" not in help_


OWN = """folder = "migrations"
by = "command"
command = ["./migrate"]
table_schema = "public"
table = "migrations"
"""


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("scratch", [False, True])
def test_a_draft_is_named_only_where_the_command_for_it_would_not_be_refused(
    own: bool, scratch: bool
):
    text = f"{SMALL_ENVIRONMENT}\n[secrets]\n"
    if own:
        text = text.replace('folder = "migrations"\n', OWN)
    if scratch:
        text = text.replace("[blocks]\n", '[blocks]\nscratch_database = "s"\n')

    assert is_drafted(parse_environment("small.toml", text)) == (scratch and not own)


@pytest.mark.parametrize("rule", sorted(UNKNOWN))
def test_what_is_not_known_is_refused_unless_it_is_accepted(rule: str):
    unknown = replace(NO_CONTRACT, rule=rule)

    refused, accepted = judge(unknown), judge(unknown, rule)

    assert isinstance(refused, Refuse)
    assert refused.findings[0].help.endswith(f"roll back with `accept` naming {rule}.")
    assert isinstance(accepted, Go)
    assert accepted.findings[0].consequence.startswith("accepted: ")


def test_a_name_that_no_rule_has_is_refused():
    verdict = judge(judgement(), "colum-gone")

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.where) for one in verdict.findings] == [("unknown-rule", "colum-gone")]
    assert "column-gone" in ACCEPTABLE


def test_the_choice_as_people_read_it():
    every = (
        candidate(5, Judgement(), serves=True),
        candidate(4, Judgement()),
        candidate(3, NO_CONTRACT),
        candidate(2, compatible(note(column("extra")), note())),
        candidate(1, NO_CONTRACT, on_host=False),
    )
    wish = Wish("3", reason="slow | <b>", actor="ada", accept=("no-contract",))

    told = render_choice(
        Earlier(every[2], every, environment="staging"),
        judge_earlier(Earlier(every[2], every, environment="staging"), ()),
        wish,
    )

    assert told.startswith("# Rollback to release 3 (`333333333333`): refused\n")
    assert "- **reason:** slow | &lt;b>\n" in told
    assert "- **accepted:** no-contract\n" in told
    assert "- `no-contract` there: so nobody knows" in told
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| ")][2:]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("| serves", "5", "OK"),
        ("| yes", "4", "OK"),
        ("| no", "3", "unknown"),
        ("| no", "2", "BREAK"),
        ("| deploy anew", "1", "unknown"),
    ]
    assert "\n- release 4: image compatible\n- release 3: no contract: " in told


def test_before_the_first_deploy_there_is_nothing_to_go_back_to():
    assert render_ways_back("production", ()) == (
        "# What production can go back to\n\nNothing was deployed yet.\n"
    )


def test_what_never_served_is_nothing_to_go_back_to():
    unborn = replace(candidate(4, Judgement()), served=False)

    assert not unborn.may_be_gone_back_to
    assert "\n| never served | 4 | " in render_ways_back("production", (unborn,))
