"""A file, a block or a parameter does not say what it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("ConfigInvalid"):
        return None
    return Told(
        cause="a file, a block or a parameter does not say what it must",
        seen=evidence.true,
        next_step="Correct what it names.",
        commands=(evidence.doctor,),
        impact=SERVES_ON,
    )


FAILURE = Failure("configuration-invalid", _look, is_general=True)
