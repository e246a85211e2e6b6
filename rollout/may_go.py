"""What may go to an environment, and when: `[may_go]` of its file."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of a window, as `datetime.weekday` counts them."""
DAY_MIN = 24 * 60
_WINDOW = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?"
    r"(?P<from_h>\d\d):(?P<from_m>\d\d)-(?P<to_h>\d\d):(?P<to_m>\d\d)\Z"
)
_HOUR_MIN = 60


def window_of(text: str) -> tuple[tuple[int, ...], int, int]:
    """Return the days of a window, 0 for Monday, and its first and last minute of the day.

    One that ends before it begins ends on the next day; so its end is more than a day's minutes.

    Raises:
        ValueError: When the text is no window.

    Example:
        >>> window_of("mon-wed 09:00-17:30")
        ((0, 1, 2), 540, 1050)
        >>> window_of("sat 22:00-02:00")
        ((5,), 1320, 1560)
    """
    found = _WINDOW.match(text)
    days = _days(found["first"], found["last"]) if found else ()
    if not found or not days:
        raise ValueError(f"should be like 'mon-fri 09:00-17:00' or '22:00-02:00', not {text!r}")
    begin, end = (_minute(found[f"{side}_h"], found[f"{side}_m"]) for side in ("from", "to"))
    if begin >= DAY_MIN or end > DAY_MIN or begin == end:
        raise ValueError(f"should be hours from 00:00 to 24:00 that differ, not {text!r}")
    return days, begin, end if end > begin else end + DAY_MIN


def _days(first: str | None, last: str | None) -> tuple[int, ...]:
    """Return the days from one to another, over Sunday too; empty when one is none."""
    if first is None:
        return tuple(range(len(DAYS)))
    if first not in DAYS or (last or first) not in DAYS:
        return ()
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((begin + one) % len(DAYS) for one in range((end - begin) % len(DAYS) + 1))


def _minute(hour: str, minute: str) -> int:
    # 99 minutes are no time of day; what is too late is told by the caller.
    return int(hour) * _HOUR_MIN + (int(minute) if int(minute) < _HOUR_MIN else 2 * DAY_MIN)


def _window(text: str) -> str:
    window_of(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"should be a time zone such as Europe/Berlin, not {name!r}") from None
    return name


class MayGo(BaseModel):
    """Which commits are deployed, and at what times; a rollback may always go.

    Attributes:
        branches: Globs of branches, one of which a commit must be on; empty means the environment's
            `branch` alone.
        windows: When deploys may begin, such as `mon-fri 09:00-17:00`; without days it is all of
            them, and one that ends before it begins ends on the next day. Empty means always.
        zone: The time zone of the windows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    branches: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/*+-]*$")], ...] = ()
    windows: tuple[Annotated[str, AfterValidator(_window)], ...] = ()
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
