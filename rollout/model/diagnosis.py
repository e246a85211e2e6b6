"""What a failure comes down to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rollout.errors import in_turn

UNKNOWN = "unknown"


class Retry(Enum):
    """Whether Retry in the UI is a good idea, as the sentence that says so."""

    SAFE = "Retry is safe."
    AFTER = "Retry is safe, and helps once that is done."
    USELESS = "Retry is safe, but would end in the same way: it takes a new commit."
    NO = "Do not retry before somebody has looked."


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is true, why, what was left of it, and what to do.

    Attributes:
        code: The known failure's name, its heading in `docs/failures.md`; `unknown` when no known
            failure fits.
        true: What is true.
        cause: Why, as a lower-case fragment.
        seen: The line of the evidence that shows it; empty when nothing does.
        left: What state was left, as full sentences.
        impact: What users notice of it, as a full sentence.
        next_step: What to do, as full sentences.
        commands: Lines to paste, in order.
        retry: Whether to retry.
        also: What else was noticed, a fragment each.
    """

    code: str
    true: str
    cause: str
    seen: str
    left: str
    impact: str
    next_step: str
    commands: tuple[str, ...]
    retry: Retry
    also: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Return whether a known failure fits."""
        return self.code != UNKNOWN

    @property
    def why(self) -> str:
        """Return the cause with the line that shows it, and what else was noticed by its name."""
        told = f"{self.cause} ({self.seen})" if self.seen else self.cause
        others = ", ".join(one.partition(":")[0] for one in self.also)
        return f"{told}; see also {others}" if others else told

    @property
    def what_now(self) -> str:
        """Return what to do: sentences, then the commands, then about Retry.

        On one line, unless what to do has lines of its own to paste.
        """
        commands = ", then ".join(f"`{one}`" for one in self.commands)
        paste = f"Paste {commands}." if commands else ""
        return in_turn(self.next_step, paste, self.retry.value)
