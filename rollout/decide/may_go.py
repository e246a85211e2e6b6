"""Decides whether a commit may go: by the branches that it is on, and by the time of day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rollout.decide.accepted import unless_accepted
from rollout.may_go import DAYS, window_of
from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rollout.may_go import MayGo

OLDER = "older-than-serving"
"""The name by which a deploy says that it goes although what serves holds it already."""
OUTSIDE_WINDOW = "outside-window"
"""The name by which a deploy says that it goes at any time."""
_WEEK = 7


def judge_branches(on: Collection[str], allowed: Collection[str], commit: str) -> Verdict:
    """Return whether a commit is on a branch that may go.

    Args:
        on: The branches that hold the commit.
        allowed: Globs of branches; `*` stands for slashes too.
        commit: The commit as people know it.
    """
    if any(fnmatchcase(name, glob) for name in on for glob in allowed):
        return Go()
    named = ", ".join(allowed)
    held = f"it is on {', '.join(sorted(on))}" if on else "it is on no branch"
    finding = Finding(
        rule="commit-on-branch",
        consequence=f"{held}, and only commits of {named} may go",
        where=f"commit {commit}",
        help=f"Merge it to {named} first, or add its branch to [may_go] branches of the "
        "environment's file.",
    )
    return Refuse((finding,))


def judge_window(may_go: MayGo, now_s: float, accepted: Collection[str]) -> Verdict:
    """Return whether a deploy may begin now; a refusal says when the next window begins.

    Args:
        may_go: What the environment's file says.
        now_s: The time, in seconds since 1970.
        accepted: What the request takes upon itself; `OUTSIDE_WINDOW` is what matters here.
    """
    now = datetime.fromtimestamp(now_s, UTC)
    windows = tuple(_windows(may_go, now))
    if not may_go.windows or any(begin <= now < end for begin, end in windows):
        return Go()
    told = f"{_told(now, may_go)} is outside of {', '.join(may_go.windows)} ({may_go.zone})"
    place = "[may_go] of the environment's file"
    begins = _told(min(begin for begin, _ in windows if begin > now), may_go)
    advice = (
        f"Deploy it again from {begins} on, or all the same with `accept` naming "
        f"{OUTSIDE_WINDOW}. A rollback may go at any time."
    )
    finding = Finding(OUTSIDE_WINDOW, told, place, advice)
    return unless_accepted(finding, accepted, "Watch what it does.")


def _windows(may_go: MayGo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end of each window from yesterday on, until each has come once more."""
    zone = ZoneInfo(may_go.zone)
    today = now.astimezone(zone).date()
    for text in may_go.windows:
        days, begin, end = window_of(text)
        for offset in range(-1, _WEEK + 1):
            date = today + timedelta(days=offset)
            if date.weekday() in days:
                midnight = datetime.combine(date, time())
                yield (
                    _at(midnight + timedelta(minutes=begin), zone),
                    _at(midnight + timedelta(minutes=end), zone),
                )


def _at(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment at which clocks of a zone show a time; the first of two."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def _told(moment: datetime, may_go: MayGo) -> str:
    local = moment.astimezone(ZoneInfo(may_go.zone))
    # The C library's names of days would follow the worker's language.
    return f"{DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} ({may_go.zone})"
