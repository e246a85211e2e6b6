"""How long a statement may wait for a lock, and how often it is tried again.

Whoever comes after a waiting statement waits behind it, so the wait is what readers feel. Short
waits, tried often, get the lock as soon as a long one would, and nobody else stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.sql import OPAQUE
from rollout.migrations.statements import is_concurrent, is_vacuum

if TYPE_CHECKING:
    from rollout.migrations.sql import Piece

# What takes a lock that readers wait behind, or may do so without our knowing: every ALTER and
# DROP, and these.
_EXCLUSIVE = {
    "ClusterStmt",
    "CreatePolicyStmt",
    "CreateTrigStmt",
    "DoStmt",
    "LockStmt",
    OPAQUE,
    "ReindexStmt",
    "RenameStmt",
    "RuleStmt",
    "TruncateStmt",
}
_LONGEST_PAUSE_S = 30.0
_FIRST_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often locks are waited for; all durations in seconds.

    Attributes:
        exclusive_s: At once, for what readers wait behind.
        shared_s: At once, for anything else.
        concurrent_s: At once, for CONCURRENTLY, whose wait for old snapshots counts too. Nobody
            waits behind it, and each failure would leave an invalid index.
        tries: How often in all.
        within_s: When the last try begins at the latest, after the first one began.
    """

    exclusive_s: float = 0.5
    shared_s: float = 2.0
    concurrent_s: float = 600.0
    tries: int = 30
    within_s: float = 600.0

    def lock_timeout_s(self, statements: tuple[Piece, ...]) -> float:
        """Return how long what is sent at once may wait: as long as its hastiest statement."""
        return min((self._of(one) for one in statements), default=self.shared_s)

    def _of(self, statement: Piece) -> float:
        if is_concurrent(statement) or is_vacuum(statement):
            return self.concurrent_s
        kind = statement.tree.kind
        hasty = kind in _EXCLUSIVE or kind.startswith(("Alter", "Drop"))
        return self.exclusive_s if hasty else self.shared_s


def pause_s(failed: int, chance: float) -> float:
    """Return how long to wait before the next try, in seconds.

    Args:
        failed: How many tries have failed, from 1.
        chance: Between 0 and 1; keeps two that wait for each other from doing so in step.

    Example:
        >>> [pause_s(failed, 1.0) for failed in (1, 2, 3, 9)]
        [0.5, 1.0, 2.0, 30.0]
    """
    grown: float = _FIRST_PAUSE_S * 2.0 ** (failed - 1)
    return min(_LONGEST_PAUSE_S, grown) * (0.5 + chance / 2)
