"""The clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def now_utc() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def later_utc(seconds: float) -> str:
    """Return the time that it will be after that many seconds, as `now_utc` writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def monotonic_s() -> float:
    """Return seconds that only ever grow; only differences mean something."""
    return time.monotonic()


def unix_s() -> float:
    """Return the time in seconds since 1970."""
    return time.time()


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def now_s() -> float:
    """Return seconds since 1970, to be compared with another machine's clock."""
    return time.time()
