"""What verify came to, as a task hands it on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """A release that was not seen to be wrong.

    Attributes:
        sentence: What was seen, for people.
        unknown: What could not be looked at, a fragment for each; empty when everything was.
    """

    sentence: str
    unknown: tuple[str, ...] = ()
