"""What an activation came to."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.release import Release


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
