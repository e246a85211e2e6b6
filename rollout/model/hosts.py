"""What came of a release on the hosts of a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["serves", "refused", "lost", "returned", "kept"]
"""What a host came to: the release serves there; it was refused and does not; the host could not be
reached; the release was left because of another host; it was refused, or was to be left, and serves
there still."""


@dataclass(frozen=True, slots=True)
class HostResult:
    """What came of a release on one host.

    Attributes:
        block: The host's block, by which people name it.
        outcome: What it came to.
        told: What is true of it, a sentence or more; where the release serves, what was cut off by
            it, and as a rule nothing.
        former: The number of the release that served there before; None when there was none, or
            nobody knows.
        steps: How many steps it took; none when it served already.
        round_trips: How often the host was asked.
        seconds: How long it took.
    """

    block: str
    outcome: Outcome
    told: str = ""
    former: int | None = None
    steps: int = 0
    round_trips: int = 0
    seconds: float = 0.0

    @property
    def serves(self) -> bool:
        """Return whether the release serves there."""
        return self.outcome == "serves"


@dataclass(frozen=True, slots=True)
class HostSeen:
    """What a further host was like before anything was changed.

    Attributes:
        taken: The highest number that a release has there; 0 where none has one.
        version: The commit that serves there; empty where none of ours does.
    """

    taken: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class HostsSeen:
    """What the further hosts of a target were like before anything was changed.

    Attributes:
        taken: The highest number that a release has on any of them; 0 where none has one.
        versions: Block to the commit that serves there, of those that serve one.
        unreached: Block to why it could not be reached, of those that could not.
    """

    taken: int = 0
    versions: tuple[tuple[str, str], ...] = ()
    unreached: tuple[tuple[str, str], ...] = ()
