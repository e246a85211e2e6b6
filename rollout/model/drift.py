"""What a look for drift found, and what earlier looks have told already."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.finding import Check


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept from one look for drift to the next.

    Attributes:
        engine: Version of the host's engine; empty before the first look.
        told: Keys of the differences that were there, and so were told.
    """

    engine: str = ""
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unlooked:
    """That nothing was looked at, which is no failure.

    Attributes:
        state: Name of the state that a run ends in by it.
        why: Why, as a fragment.
    """

    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Drift:
    """What one look came to.

    Attributes:
        release: The number of the release that is the current one.
        new: What differs and was not told before.
        known: What differs still.
        checks: Everything that was looked at, what differs first.
    """

    release: int
    new: tuple[Check, ...]
    known: tuple[Check, ...]
    checks: tuple[Check, ...]
