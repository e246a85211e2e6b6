"""What an activation came to, and what a rollback asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rollout.model.release import Release

Secrets = Literal["recorded", "newest"]
"""Which versions of its secrets an earlier release is taken up with."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A release that was made to serve, and what served before it.

    Attributes:
        release: What serves now.
        former: The number of the release that served before; None when there was none, or when
            this one served already.
        steps: How many steps that took; none when it served already.
        round_trips: How often the host was asked.
        seconds: How long it took.
    """

    release: Release
    former: int | None
    steps: int
    round_trips: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    """Which earlier release a rollback asks for, and why.

    Attributes:
        version: Its commit in 7 to 40 digits, which is its image's tag, or its number; empty takes
            the last good one before the current.
        secrets: `recorded` takes the versions that it was made with; `newest` makes a new release
            of it with the newest ones.
        reason: Why; empty where nobody said.
        actor: Who asked; empty where nobody said.
    """

    version: str = ""
    secrets: Secrets = "recorded"
    reason: str = ""
    actor: str = ""
