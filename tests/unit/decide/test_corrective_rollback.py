"""The strategy `corrective`: what it may be asked for, what it proposes, and what it refuses."""

from __future__ import annotations

import pytest

from rollout.decide.compatible.judge import compatible
from rollout.decide.corrective import (
    Corrective,
    not_drafted,
    nowhere_to_propose,
    propose_corrective,
    refuse_unneeded,
    without_scratch,
)
from rollout.decide.earlier import Earlier, judge_corrected
from rollout.decide.revert import check_proposing
from rollout.errors import ConfigInvalid
from rollout.executors.files import read_environment
from rollout.migrations.corrective import draft
from rollout.model.activation import APPLY, Wish
from rollout.model.candidate import Candidate
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.judgement import Grade, Judgement, Reason
from rollout.model.overview import ReleaseLine
from rollout.model.proposal import NewFiles
from rollout.render.corrective import render_corrective_page
from rollout.render.revert import Story
from tests.support.contracts import note

STORY = Story("production", "500s on /pay", "ada", "1a2b3c4d-0000", "https://prefect/run/1")
LINE = ReleaseLine(3, "3" * 40, "sha256:1", "verified", "", "ada", "", "", 1, on_host=True)


def test_it_only_proposes_until_the_request_says_in_words_that_it_is_applied():
    asked = Wish("3", strategy="corrective", reason="a test")
    applied = Wish("c0ffee1", strategy="corrective", reason="a test", accept=("key-gone", APPLY))

    assert (asked.proposes, asked.applies) == (True, False)
    assert (applied.proposes, applied.applies) == (False, True)
    rest = applied.then(3)
    assert (rest.to, rest.strategy, rest.accept) == ("3", "image", ("key-gone",))
    check_proposing(applied, hold=True)
    with pytest.raises(ConfigInvalid, match="what the corrective proposes is to be deployed"):
        check_proposing(asked, hold=True)
    with pytest.raises(ConfigInvalid, match="corrective changes nothing on the host"):
        Wish(strategy="corrective", reason="a test", accept=("key-gone",))
    with pytest.raises(ConfigInvalid, match="apply-corrective goes with the strategy corrective"):
        Wish(strategy="auto", reason="a test", accept=(APPLY,))


def test_it_is_proposed_in_the_migrations_folder_with_what_comes_back_and_what_does_not():
    old, live = note(), note(without="title")
    made = Corrective(
        draft(old, live, compatible(old, live)),
        {"0001_corrective.sql": "alter table", "meta/_journal.json": "{}"},
        Go((Finding("corrective-lost", "the values do not come back", "public.note.title", "-"),)),
    )

    one = propose_corrective(LINE, made, STORY, read_environment("rehearsal"))

    assert one.branch == "corrective/333333333333-1a2b3c4d"
    assert one.change == NewFiles(
        {
            "packages/db/src/migrations/0001_corrective.sql": "alter table",
            "packages/db/src/migrations/meta/_journal.json": "{}",
        }
    )
    assert one.title == "Correct the schema for release 3 (333333333333)"
    for word in (
        "- **why:** 500s on /pay",
        "- `column-gone` public.note.title",
        '  - `alter table public.note add column "title" character varying(20)`',
        "## Lost\n\n- public.note.title: the values do not come back",
        "--strategy image --reason WHY --environment production` makes the release serve",
    ):
        assert word in one.body, one.body


@pytest.mark.parametrize(
    ("refusal", "told", "advice"),
    [
        (not_drafted("notes"), "in Drizzle's layouts only", "by hand and deploy it, then go back"),
        (without_scratch("production"), "names no scratch_database", "never production's"),
        (nowhere_to_propose("production"), "has no [github]", "accept apply-corrective"),
        (
            refuse_unneeded(3, "staging"),
            "breaks nothing",
            "--strategy image --reason WHY --environment staging",
        ),
    ],
)
def test_a_refusal_names_the_other_way(refusal: Refuse, told: str, advice: str):
    (finding,) = refusal.findings

    assert told in finding.consequence
    assert advice in finding.help


def test_what_stays_a_risk_is_named_before_anything_is_applied():
    reasons = tuple(
        Reason(grade, Finding(name, "differs", "public.note", "Look."))
        for grade, name in ((Grade.BREAK, "column-gone"), (Grade.RISK, "null-allowed"))
    )
    chosen = Candidate(LINE, serves=False, judgement=Judgement(reasons))
    earlier = Earlier(chosen, (chosen,), environment="staging")

    open_risk = judge_corrected(earlier, ())

    assert isinstance(open_risk, Refuse)
    assert [one.rule for one in open_risk.findings] == ["null-allowed"]
    assert isinstance(judge_corrected(earlier, ("null-allowed",)), Go)


def test_no_text_of_a_draft_ends_its_own_block():
    assert render_corrective_page("a ``` b").count("```") == 2
