"""Which release a promotion takes over, and what keeps it from that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.decide.promote import (
    choose_promoted,
    judge_answer,
    judge_image,
    judge_promoted,
    judge_prospect,
)
from rollout.ledger import Entry, Event, render_entry
from rollout.model.finding import Go, Refuse, Verdict
from rollout.model.host import HostFacts
from rollout.model.promotion import Promoted, Prospect
from rollout.render.promotion import render_promotion
from rollout.render.release import render_release
from tests.support.values import release

VERIFIED: tuple[Event, ...] = ("prepared", "migrated", "activated", "verified")
ONE = release(1)
PROMOTED = Promoted("staging", 1, ONE.version, ONE.image)
OTHER = f"sha256:{'e' * 64}"


def host(*said: tuple[int, tuple[Event, ...]], live: int = 0) -> HostFacts:
    """Return a host with the releases that these things happened to, one of which serves."""
    entries = [Entry(one, event, "v", "d") for one, events in said for event in events]
    return HostFacts(
        live=f"web-r{live}" if live else "",
        ledger="".join(render_entry(one) + "\n" for one in entries),
        releases={one: render_release(release(one)) for one, _ in said},
    )


def rule(verdict: Verdict | Promoted) -> str:
    assert isinstance(verdict, Refuse), verdict
    (finding,) = verdict.findings
    assert finding.help
    return f"{finding.rule}: {finding.consequence}"


@pytest.mark.parametrize(
    ("wanted", "number"), [("", 2), ("1", 1), ("1" * 40, 1), ("1 111111111111", 1), ("2" * 7, 2)]
)
def test_the_release_that_serves_is_promoted_or_the_one_that_is_named(wanted: str, number: int):
    facts = host((1, VERIFIED), (2, VERIFIED), live=2)

    chosen = choose_promoted(facts, "staging", wanted)

    one = release(number)
    assert chosen == Promoted("staging", number, one.version, one.image)


def test_what_serves_is_asked_of_the_proxy_first():
    facts = host((1, VERIFIED), (2, ("prepared", "migrated", "activated")), live=1)

    assert choose_promoted(facts, "staging") == PROMOTED


@pytest.mark.parametrize(
    ("facts", "wanted", "told"),
    [
        (HostFacts(), "", "release-in-source: staging has no release that serves"),
        (host((1, VERIFIED), live=1), "7", "release-in-source: staging has no release 7"),
        (
            host((1, VERIFIED[:3]), live=1),
            "",
            "verified-in-source: release 1 of staging (111111111111) was not verified there",
        ),
        (
            host((1, VERIFIED), (2, (*VERIFIED[:3], "failed")), live=2),
            "2",
            "verified-in-source: release 2 of staging (222222222222) was not seen serving there",
        ),
        (
            host((1, VERIFIED), (2, (*VERIFIED, "rolled-back")), live=1),
            "2",
            "verified-in-source: release 2 of staging (222222222222) was left there by a rollback",
        ),
    ],
)
def test_a_release_that_is_not_verified_there_is_refused(facts: HostFacts, wanted: str, told: str):
    assert rule(choose_promoted(facts, "staging", wanted)) == told


def test_a_refusal_names_the_releases_that_could_go():
    verdict = choose_promoted(host((1, VERIFIED), (2, VERIFIED[:3]), live=2), "staging")

    assert isinstance(verdict, Refuse)
    assert verdict.findings[0].help == (
        "Verified there are 1 (111111111111); name one of these as `release`."
    )


def test_a_version_that_was_left_there_is_refused_by_its_other_release_too():
    told = [(1, "1", VERIFIED), (2, "2", VERIFIED), (3, "2", (*VERIFIED, "rolled-back"))]
    said = [Entry(one, event, sha * 40, "d") for one, sha, events in told for event in events]
    again = Entry(2, "activated", "2" * 40, "d"), Entry(2, "verified", "2" * 40, "d")
    twin = replace(release(2), number=3)
    known = {1: ONE, 2: release(2), 3: twin}
    left = HostFacts(
        live="web-r1",
        ledger="".join(render_entry(one) + "\n" for one in said),
        releases={number: render_release(one) for number, one in known.items()},
    )

    verdict = choose_promoted(left, "staging", "2")

    assert rule(verdict) == (
        "verified-in-source: release 2 of staging (222222222222) is of a version that was left "
        "there by a rollback, as release 3"
    )
    assert isinstance(verdict, Refuse)
    assert "Verified there are 1 (111111111111); name" in verdict.findings[0].help
    taken_up = replace(left, ledger=left.ledger + "".join(render_entry(x) + "\n" for x in again))
    assert isinstance(choose_promoted(taken_up, "staging", "2"), Promoted)


def test_a_promotion_that_is_retried_goes_on_to_the_hosts_that_are_behind():
    done = host((1, VERIFIED), live=1)
    mine = replace(done, releases={1: render_release(replace(ONE, run_id="own"))})

    assert judge_promoted(mine, PROMOTED, "production", "web", "own") == Go()
    for run_id in ("another", ""):
        refused = judge_promoted(mine, PROMOTED, "production", "web", run_id)
        assert rule(refused).startswith("serves-already: ")
    assert rule(judge_promoted(done, PROMOTED, "production", "web")).startswith("serves-already: ")


def test_what_serves_already_is_refused_unless_its_run_was_cut():
    done = host((1, VERIFIED), live=1)
    cut = host((1, VERIFIED[:3]), live=1)

    told = rule(judge_promoted(done, PROMOTED, "production", "web"))
    assert told == "serves-already: release 1 of production serves it already, by the same digest"
    assert judge_promoted(cut, PROMOTED, "production", "web") == Go()
    assert judge_promoted(HostFacts(), PROMOTED, "production", "web") == Go()
    other = replace(PROMOTED, image=replace(ONE.image, digest=OTHER))
    assert judge_promoted(done, other, "production", "web") == Go()


def test_only_the_image_that_was_verified_is_promoted():
    assert judge_image(PROMOTED, "r.example/web", ONE.image.digest) == Go()

    missing = judge_image(PROMOTED, "r.example/web", None)
    assert rule(missing) == "image-in-registry: the registry has no image of commit 111111111111"
    assert isinstance(missing, Refuse)
    assert missing.findings[0].help == (
        f"Copy it by its digest, for example with `crane copy {ONE.image.reference} "
        f"r.example/web:{ONE.version.sha}`, then promote again."
    )
    differs = rule(judge_image(PROMOTED, "r.example/web", OTHER))
    assert differs == (
        f"image-differs: it names {OTHER}, and staging has verified {ONE.image.digest}"
    )


def test_what_was_approved_and_nothing_else_is_done():
    shown = Prospect(ONE.version, ("0003_notes",))

    assert judge_prospect(None, shown) == Go()
    assert judge_prospect(shown, Prospect(ONE.version, ("0003_notes",))) == Go()
    assert rule(judge_prospect(shown, Prospect(release(2).version, ("0003_notes",)))) == (
        "approved-plan: since it was approved, it became another one: "
        "in the place of 222222222222, with the migrations 0003_notes"
    )
    assert "without a migration" in rule(judge_prospect(shown, Prospect(ONE.version, ())))


def test_anything_but_a_go_is_a_no():
    assert judge_answer("go", "ada: seen", "production") == Go()
    told = rule(judge_answer("refuse", "nobody answered within 60 s", "production"))
    assert told == "approval: it was not approved (nobody answered within 60 s)"


def test_a_person_reads_what_would_change():
    shown = render_promotion(
        PROMOTED, Prospect(release(2).version, ("0003_notes",)), "production", "go: ada: <b>seen"
    )

    assert shown == (
        "# Release 1 of staging to production\n"
        "\n"
        f"- **commit:** `{ONE.version.sha}`\n"
        f"- **image:** `{ONE.image.reference}`, as it was verified there; nothing is built\n"
        "- **serves in production now:** `222222222222`\n"
        "- **migrations that production gets:** `0003_notes` (the table `migrations` has each "
        "statement)\n"
        "- **approval:** go: ada: &lt;b>seen\n"
    )
    first = render_promotion(PROMOTED, Prospect(None, ()), "production")
    assert "nothing was deployed yet" in first
    assert "none (the table" in first
