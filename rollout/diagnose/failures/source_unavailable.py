"""The application's repository cannot be read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("SourceUnavailable"):
        return None
    code = evidence.around.code
    return Told(
        cause="the application's repository cannot be read",
        seen=last(tuple(evidence.true.splitlines())),
        next_step="See that the repository answers and that the worker may read it.",
        commands=(f"git ls-remote {shlex.join((code.repository, code.branch))}",),
        retry=Retry.SAFE,
        impact=SERVES_ON,
    )


FAILURE = Failure("source-unavailable", _look)
