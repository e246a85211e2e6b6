"""What a rule is: one danger, looked for in one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rollout.migrations.change import Change, Judged
from rollout.migrations.cost import estimate, is_slow, size
from rollout.migrations.names import bare
from rollout.model.statement import Compatibility, Effect


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a change.

    Attributes:
        judged: The statement that it belongs to.
        earlier: The statements before it in the same file, which share its transaction.
    """

    judged: Judged
    earlier: tuple[Judged, ...] = ()

    def slow(self, change: Change) -> Effect | None:
        """Return the effect that takes long because its table is not small; None when none does."""
        found = (one for one in change.effects if is_slow(one, self.judged.catalog))
        return max(found, key=lambda one: (one.work.weight, one.lock), default=None)

    def told(self, effect: Effect) -> str:
        """Return a table with its size and how long the work on it takes."""
        table = self.judged.catalog.tables.get(effect.table)
        known = size(table) if table else "size not known"
        return f"{bare(effect.table)} ({known}: {estimate(effect, self.judged.catalog)})"


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule says of a change.

    Attributes:
        consequence: What it leads to, as a lower-case fragment.
        help: What to write instead, as full sentences.
    """

    consequence: str
    help: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its file, its code, its heading in `docs/rules.md` and its setting share a name.

    Attributes:
        code: Its name, lower-case with hyphens.
        look: Returns what it says of a change; None when it has nothing to say.
    """

    code: str
    look: Callable[[Change, Around], Told | None]


def breaks(change: Change) -> bool:
    """Return whether the code that serves now cannot go on after a change."""
    return change.outlook.compatibility is Compatibility.BREAKING
