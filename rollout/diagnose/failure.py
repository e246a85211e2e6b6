"""What a known failure is: one cause, recognised by codes and structured output."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rollout.model.diagnosis import Retry
from rollout.model.seen import Evidence

_WORD = re.compile(r"[A-Za-z]{2}")
SERVES_ON = "Users notice nothing: what served before serves on."
NOTICED = "Users may notice it: see what answers at the public address."


@dataclass(frozen=True, slots=True)
class Told:
    """What a known failure says of a piece of evidence.

    Attributes:
        cause: Why it failed, as a lower-case fragment.
        seen: The line of the evidence that shows it.
        next_step: What to do, as full sentences.
        commands: Lines to paste, in order.
        retry: Whether to retry.
        impact: What users notice, as a full sentence; empty lets the phase say it.
        stands_back: Whether it is the cause only where nothing else fits, and else told beside.
    """

    cause: str
    seen: str
    next_step: str
    commands: tuple[str, ...] = ()
    retry: Retry = Retry.AFTER
    impact: str = ""
    stands_back: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One known failure. Its file, its code and its heading in `docs/failures.md` share a name.

    Attributes:
        code: Its name, lower-case with hyphens.
        look: Returns what it says of evidence; None when the evidence is of something else.
        is_general: Whether it is not worth telling beside another one that fits.
    """

    code: str
    look: Callable[[Evidence], Told | None]
    is_general: bool = False


def last(lines: tuple[str, ...], otherwise: str = "nothing written") -> str:
    """Return the last line that says something: one with a word in it.

    Example:
        >>> last(("one", "number two", " ", "})"))
        'number two'
    """
    return next((line.strip() for line in reversed(lines) if _WORD.search(line)), otherwise)
