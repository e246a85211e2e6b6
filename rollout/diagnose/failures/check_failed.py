"""One of the application's own checks did not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.checks:
        return None
    first = evidence.checks[0]
    names = ", ".join(one.name for one in evidence.checks)
    late = first.state == "timed out"
    return Told(
        cause=f"{names} took too long" if late else f"the code does not pass {names}",
        seen=f"{first.name}: {last(_own(first.lines))}",
        next_step="Run it in a checkout, correct the code, and merge.",
        commands=tuple(
            f"grep -n -A2 'name = \"{one.name}\"' deployments/{evidence.around.environment}.toml"
            for one in evidence.checks
        ),
        retry=Retry.AFTER if late else Retry.USELESS,
        impact=SERVES_ON,
    )


def _own(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the check itself wrote: our own account of its end is the last line."""
    return lines[:-1] or lines


FAILURE = Failure("check-failed", _look)
