"""Which earlier release is gone back to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.decide.releases import releases_on
from rollout.decide.rollback import (
    choose_release,
    is_taken_up,
    judge_choice,
    left_for,
    ways_back,
)
from rollout.ledger import Entry, Event, render_entry
from rollout.model.activation import Chosen
from rollout.model.finding import Go, Refuse
from rollout.model.host import HostFacts
from rollout.render.release import render_release
from tests.support.values import release

SERVED: tuple[Event, ...] = ("prepared", "migrated", "activated", "verified")

NEVER_SERVED: tuple[tuple[Event, ...], ...] = (
    ("prepared",),
    ("prepared", "migrated"),
    ("prepared", "abandoned"),
    ("prepared", "superseded"),
    ("prepared", "failed"),
)


def facts(*known: int, begun: int | None = None, events: tuple[Event, ...] = ()) -> HostFacts:
    """Return a host that has served these releases, the last of them now, and began one more."""
    said = [Entry(one, event, str(one) * 40, "d") for one in known for event in SERVED]
    said += [Entry(begun or 0, event, str(begun) * 40, "d") for event in events]
    numbers = (*known, begun) if begun else known
    return HostFacts(
        ledger="".join(render_entry(one) + "\n" for one in said),
        releases={one: render_release(release(one)) for one in numbers},
    )


@pytest.mark.parametrize(
    ("wanted", "number"),
    [(None, 2), ("", 2), (1, 1), ("1", 1), ("1" * 40, 1), ("2" * 7, 2)],
)
def test_a_release_is_chosen(wanted: str | int | None, number: int):
    assert choose_release(facts(1, 2, 3), wanted) == release(number)


def test_a_release_that_could_not_say_that_it_serves_is_left_all_the_same():
    host = replace(facts(1, 2, begun=3, events=("prepared", "migrated")), live="web-r3")

    assert choose_release(host) == release(2)
    assert choose_release(host, 2) == release(2)


@pytest.mark.parametrize("wanted", ["", "2", "2222222", "2 222222222222"])
def test_what_a_cut_rollback_has_switched_to_is_finished_by_the_same_request(wanted: str):
    cut = replace(facts(1, 2, 3), live="web-r2")

    assert choose_release(cut, wanted) == release(2)
    assert left_for(cut, 2) == 3
    assert ways_back(cut, "web") == ("3 333333333333", "2 222222222222", "1 111111111111")


def went(host: HostFacts, *said: tuple[int, Event], live: str) -> HostFacts:
    """Return a host to whose releases 1 to 3, or to 4 of 2's code, this happened afterwards."""
    versions = {4: "2"}
    lines = [Entry(one, event, versions.get(one, str(one)) * 40, "d") for one, event in said]
    ledger = host.ledger + "".join(render_entry(one) + "\n" for one in lines)
    renewed = {4: render_release(RENEWED)} if any(one == 4 for one, _ in said) else {}
    return replace(host, live=live, ledger=ledger, releases={**host.releases, **renewed})


@pytest.mark.parametrize("wanted", ["", "2", "2222222", "2 222222222222"])
@pytest.mark.parametrize(
    ("said", "live"),
    [
        pytest.param([(2, "activated")], "web-r2", id="the drain"),
        pytest.param([(2, "activated"), (3, "rolled-back")], "web-r2", id="verify"),
        pytest.param([(4, "prepared"), (4, "migrated")], "web-r4", id="newest: the switch"),
        pytest.param(
            [(4, "prepared"), (4, "migrated"), (4, "activated")], "web-r4", id="newest: the drain"
        ),
        pytest.param(
            [(4, "prepared"), (4, "migrated"), (4, "activated"), (3, "rolled-back")],
            "web-r4",
            id="newest: verify",
        ),
    ],
)
def test_a_rollback_is_finished_wherever_it_was_cut(
    said: list[tuple[int, Event]], live: str, wanted: str
):
    cut = went(facts(1, 2, 3), *said, live=live)

    assert choose_release(cut, wanted) == release(2)
    assert left_for(cut, 2) == 3
    assert "2 222222222222" in ways_back(cut, "web")


def test_a_deploy_that_was_cut_on_its_way_back_is_finished():
    cut = went(facts(1, 2, 3), (3, "failed"), (2, "activated"), live="web-r2")

    assert choose_release(cut) == release(2)
    assert left_for(cut, 2) == 3


def test_a_cut_rollback_to_the_same_code_leaves_what_has_served_and_nothing_older():
    every: list[tuple[int, Event]] = [(4, event) for event in SERVED]
    cut = went(facts(1, 2), *every, (2, "activated"), live="web-r2")

    assert left_for(cut, 2) == 4


def test_what_was_verified_since_is_no_cut_rollback():
    done = went(
        facts(1, 2, 3), (2, "activated"), (3, "rolled-back"), (2, "verified"), live="web-r2"
    )

    assert choose_release(done) == release(1)
    assert isinstance(choose_release(done, 2), Refuse)
    assert left_for(done, 1) == 2
    assert "2 222222222222" not in ways_back(done, "web")


def test_a_first_release_that_nobody_has_seen_serving_is_left():
    host = facts(1, 2, begun=3, events=("prepared", "migrated", "activated"))

    assert choose_release(replace(host, live="web-r3")) == release(2)
    assert isinstance(choose_release(replace(host, live="web-r3"), 3), Refuse)


def test_a_cut_rollback_is_no_reason_against_another_one():
    cut = replace(facts(1, 2, 3), live="web-r2")

    assert choose_release(cut, 3) == release(3)
    assert choose_release(cut, 1) == release(1)
    assert left_for(cut, 1) == 2


def test_what_serves_is_left_by_a_rollback():
    assert left_for(replace(facts(1, 2), live="web-r2"), 1) == 2
    assert left_for(facts(1, 2), 1) is None


def twins(*further: tuple[int, tuple[Event, ...]]) -> HostFacts:
    """Return a host with release 1, releases of its commit that this happened to, and then 9."""
    mine = [(1, SERVED), *further]
    said = [Entry(one, event, "1" * 40, "d") for one, events in mine for event in events]
    said += [Entry(9, event, "9" * 40, "d") for event in SERVED]
    known = {one: replace(release(1), number=one) for one, _ in mine} | {9: release(9)}
    return HostFacts(
        live="web-r9",
        ledger="".join(render_entry(one) + "\n" for one in said),
        releases={number: render_release(one) for number, one in known.items()},
    )


@pytest.mark.parametrize(
    ("host", "number"),
    [
        pytest.param(twins((2, SERVED)), 2, id="the newest of several good ones"),
        pytest.param(twins((2, (*SERVED[:3], "failed"))), 1, id="not one that failed"),
        pytest.param(twins((2, SERVED[:3])), 1, id="not one that nobody has seen serving"),
        pytest.param(twins((2, (*SERVED, "rolled-back"))), 1, id="not one that somebody left"),
        pytest.param(twins((2, SERVED[:2])), 1, id="not one that never served"),
        pytest.param(
            twins((1, ("failed",)), (2, (*SERVED, "rolled-back"))), 2, id="the newest without one"
        ),
    ],
)
def test_of_several_releases_of_a_commit_a_good_one_is_taken(host: HostFacts, number: int):
    chosen = choose_release(host, "1" * 12)

    assert not isinstance(chosen, Refuse)
    assert chosen.number == number
    assert choose_release(host, number) == chosen


def test_one_of_several_that_is_not_good_is_taken_by_its_number():
    chosen = choose_release(twins((2, (*SERVED[:3], "failed"))), 2)

    assert not isinstance(chosen, Refuse)
    assert chosen.number == 2


RENEWED = replace(release(2), number=4, restores=2, run_id="own")
CHOSEN = Chosen(2, 3)


def after(live: str) -> HostFacts:
    host = facts(1, 2, 3)
    return replace(host, live=live, releases={**host.releases, 4: render_release(RENEWED)})


@pytest.mark.parametrize(
    ("live", "run_id", "taken_up"),
    [
        pytest.param("web-r3", "own", False, id="what it was chosen to be left still serves"),
        pytest.param("web-r2", "own", True, id="a try was cut after its switch"),
        pytest.param("web-r4", "own", True, id="a try was cut that had renewed its secrets"),
        pytest.param("web-r4", "another", False, id="an earlier run was cut over it"),
    ],
)
def test_a_retried_rollback_goes_on(live: str, run_id: str, taken_up: bool):
    assert judge_choice(after(live), CHOSEN, run_id) == Go()
    assert is_taken_up(after(live), CHOSEN, run_id) is taken_up


def test_a_first_rollback_from_what_is_not_ours_goes_on():
    assert judge_choice(after(""), Chosen(2, None), "own") == Go()


@pytest.mark.parametrize(
    ("live", "run_id", "chosen", "told"),
    [
        ("web-r1", "own", CHOSEN, "release 1 serves by now, and this run has chosen release 2 "
         "when release 3 did"),
        ("", "own", CHOSEN, "none of ours serves by now, and this run has chosen release 2 when "
         "release 3 did"),
        ("web-r9", "own", Chosen(2, None), "release 9 serves by now, and this run has chosen "
         "release 2 when none of ours did"),
    ],
)  # fmt: skip
def test_a_retried_rollback_leaves_nothing_that_it_was_not_asked_to(
    live: str, run_id: str, chosen: Chosen, told: str
):
    verdict = judge_choice(after(live), chosen, run_id)

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.consequence) for one in verdict.findings] == [("serving-changed", told)]
    assert "start a new rollback" in verdict.findings[0].help


def test_what_another_run_has_brought_to_its_end_is_not_left_by_a_retry():
    every: list[tuple[int, Event]] = [(4, event) for event in SERVED]
    done = went(facts(1, 2, 3), *every, live="web-r4")

    assert isinstance(judge_choice(done, CHOSEN, "another"), Refuse)


def test_the_same_version_with_other_secrets_is_no_way_back():
    host = facts(1, 2)
    twin = "".join(render_entry(Entry(3, event, "2" * 40, "d")) + "\n" for event in SERVED)
    of_the_same = replace(release(2), number=3)
    host = replace(
        host,
        ledger=host.ledger + twin,
        releases={**host.releases, 3: render_release(of_the_same)},
    )

    assert choose_release(host) == release(1)


def test_new_secrets_for_old_code_lead_to_nothing_that_came_after_it():
    host = facts(1, 2, 3, 4)
    left = Entry(4, "rolled-back", "4" * 40, "d")
    again = [Entry(2, event, "2" * 40, "d") for event in ("activated", "verified")]
    twin = [Entry(5, event, "2" * 40, "d") for event in SERVED]
    said = "".join(render_entry(one) + "\n" for one in (*again, left, *twin))
    host = replace(host, ledger=host.ledger + said, live="web-r5")

    assert choose_release(host) == release(1)


def test_old_code_with_the_newest_secrets_leads_further_back_as_well():
    host = facts(1, 2, 3, 4)
    twin = [Entry(5, event, "2" * 40, "d") for event in SERVED]
    left = Entry(4, "rolled-back", "4" * 40, "d")
    said = "".join(render_entry(one) + "\n" for one in (*twin, left))
    host = replace(host, ledger=host.ledger + said, live="web-r5")

    assert choose_release(host) == release(1)


def test_a_version_that_was_deployed_again_has_before_it_what_served_before_it():
    host = facts(1, 2)
    again = "".join(render_entry(Entry(3, event, "1" * 40, "d")) + "\n" for event in SERVED)
    host = replace(host, ledger=host.ledger + again, live="web-r3")

    assert choose_release(host) == release(2)


def test_a_version_that_somebody_left_is_not_gone_back_to_by_its_other_release():
    host = facts(1, 2, 3)
    twin = [Entry(4, event, "3" * 40, "d") for event in (*SERVED, "rolled-back")]
    said = [*twin, *(Entry(5, event, "5" * 40, "d") for event in SERVED)]
    host = replace(host, ledger=host.ledger + "".join(render_entry(one) + "\n" for one in said))

    assert choose_release(replace(host, live="web-r5")) == release(2)


def test_a_release_is_chosen_as_the_list_has_it():
    host = facts(1, 2, 3)

    assert ways_back(host, "web") == ("2 222222222222", "1 111111111111")
    assert choose_release(host, "1 111111111111") == release(1)
    assert isinstance(choose_release(host, "1 222222222222"), Refuse)


def test_a_pruned_release_is_told_from_one_that_never_was():
    host = facts(1, 2, 3)
    versions = {one.number: one.version.sha for one in releases_on(host)}
    said = [Entry(one, event, versions[one], "d") for one in (1, 2, 3) for event in SERVED]
    pruned = replace(
        host,
        ledger="".join(render_entry(one) + "\n" for one in said),
        releases={number: text for number, text in host.releases.items() if number != 1},
    )

    for wanted in (1, "1111111", "1 111111111111"):
        verdict = choose_release(pruned, wanted)
        assert isinstance(verdict, Refuse)
        (finding,) = verdict.findings
        assert finding.rule == "release-pruned"
        assert finding.help == (
            f"Deploy its commit anew, with `accept` naming older-than-serving: {'1' * 40}."
        )


@pytest.mark.parametrize(
    ("host", "wanted", "rule", "consequence"),
    [
        (
            facts(1),
            None,
            "previous-good",
            "the host knows no good release of another version before the current",
        ),
        (facts(1, 2), 7, "release-on-host", "the host has no release 7"),
        (facts(1, 2), "f" * 40, "release-on-host", f"the host has no release {'f' * 40}"),
        (facts(1, 2), "abc", "release-on-host", "the host has no release abc"),
        (facts(1, 2), "2", "release-earlier", "release 2 serves already"),
        *(
            (facts(1, begun=2, events=events), 2, "release-served", "release 2 never served here")
            for events in NEVER_SERVED
        ),
    ],
)
def test_a_choice_is_refused(host: HostFacts, wanted: str | int, rule: str, consequence: str):
    verdict = choose_release(host, wanted)

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.consequence) for one in verdict.findings] == [(rule, consequence)]


def test_a_refusal_names_what_there_is():
    verdict = choose_release(facts(1, 2), 7)

    assert isinstance(verdict, Refuse)
    assert verdict.findings[0].help == (
        "The host has 1 (111111111111), 2 (222222222222); choose one of these, or deploy anew."
    )
