"""A verdict says no, and its findings say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("Refused") or not evidence.findings:
        return None
    first = evidence.findings[0]
    more = f" (and {len(evidence.findings) - 1} more)" if len(evidence.findings) > 1 else ""
    return Told(
        cause=f"{first.rule}: {first.consequence}{more}",
        seen=first.where,
        next_step=first.help,
        impact=SERVES_ON,
    )


FAILURE = Failure("refused-by-verdict", _look, is_general=True)
