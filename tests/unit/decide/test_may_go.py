"""What may go: the branches of a commit, and the hours of a week."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from rollout.decide.may_go import OUTSIDE_WINDOW, judge_branches, judge_window
from rollout.may_go import MayGo, window_of
from rollout.model.finding import Go, Refuse

BERLIN = "Europe/Berlin"
OFFICE = MayGo(windows=("mon-thu 09:00-17:00", "fri 09:00-12:00"), zone=BERLIN)


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_a_commit_goes_from_a_branch_that_a_glob_names():
    assert judge_branches(["main"], ["main"], "c0ffee") == Go()
    assert judge_branches(["x", "release/2026/11"], ["main", "release/*"], "c0ffee") == Go()


def test_any_other_branch_is_refused_with_what_it_is_on():
    verdict = judge_branches(["try", "mainly"], ["main", "release/*"], "c0ffee")

    assert isinstance(verdict, Refuse)
    assert verdict.findings[0].consequence == (
        "it is on mainly, try, and only commits of main, release/* may go"
    )
    nowhere = judge_branches([], ["main"], "c0ffee")
    assert nowhere.findings[0].consequence.startswith("it is on no branch, ")


@pytest.mark.parametrize(
    "text",
    # 2026-11-25 is a Wednesday.
    ["2026-11-25 09:00", "2026-11-25 16:59:59", "2026-11-27 11:59"],
)
def test_inside_of_a_window_it_may_go(text: str):
    assert judge_window(OFFICE, at(text), ()) == Go()


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("2026-11-25 08:59:59", "wed 2026-11-25 09:00"),
        ("2026-11-25 17:00", "thu 2026-11-26 09:00"),
        ("2026-11-27 12:00", "mon 2026-11-30 09:00"),
        ("2026-11-29 10:00", "mon 2026-11-30 09:00"),
    ],
)
def test_outside_it_is_told_when_the_next_one_begins(text: str, begins: str):
    verdict = judge_window(OFFICE, at(text), ("version-quarantined",))

    assert isinstance(verdict, Refuse)
    (finding,) = verdict.findings
    assert finding.rule == OUTSIDE_WINDOW
    assert f"Deploy it again from {begins} (Europe/Berlin) on, or all the same" in finding.help


def test_it_goes_at_any_time_by_name_and_says_so():
    verdict = judge_window(OFFICE, at("2026-11-28 03:30"), (OUTSIDE_WINDOW,))

    assert isinstance(verdict, Go)
    assert verdict.findings[0].consequence == (
        "accepted: sat 2026-11-28 03:30 (Europe/Berlin) is outside of mon-thu 09:00-17:00, "
        "fri 09:00-12:00 (Europe/Berlin)"
    )


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins():
    night = MayGo(windows=("sat 22:00-02:00",))

    assert judge_window(night, at("2026-11-29 01:59", "UTC"), ()) == Go()
    assert isinstance(judge_window(night, at("2026-11-28 01:59", "UTC"), ()), Refuse)


def test_a_window_follows_the_clocks_of_its_zone():
    # 09:00 in Berlin is 07:00 UTC in summer and 08:00 UTC in winter.
    assert judge_window(OFFICE, at("2026-07-01 07:00", "UTC"), ()) == Go()
    assert isinstance(judge_window(OFFICE, at("2026-11-25 07:30", "UTC"), ()), Refuse)


def test_without_windows_it_may_always_go():
    assert judge_window(MayGo(), 0, ()) == Go()


def test_days_run_over_the_end_of_the_week_and_may_be_left_out():
    assert window_of("sat-mon 00:00-24:00") == ((5, 6, 0), 0, 1440)
    assert window_of("10:00-11:00")[0] == (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": ["monday 09:00-17:00"]},
        {"windows": ["mon 9-17"]},
        {"windows": ["mon 09:00-25:00"]},
        {"windows": ["mon 09:60-17:00"]},
        {"windows": ["mon 09:00-09:00"]},
        {"zone": "Europe/Nowhere"},
        {"zone": "../etc/passwd"},
        {"branches": ["-main"]},
    ],
)
def test_what_is_no_window_zone_or_branch_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        MayGo.model_validate(wrong)
