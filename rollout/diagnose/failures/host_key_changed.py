"""The host shows another key than the pinned one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("HostKeyChanged"):
        return None
    return Told(
        cause="another machine answers at the host's address, or the host was rebuilt",
        seen=evidence.true,
        next_step="Find out which of the two; only if it was rebuilt, put its new key into the "
        "target host block.",
        commands=(
            f"ssh-keyscan {evidence.around.address}",
            "python -m deployments.register --environment "
            f"{evidence.around.environment} --blocks BLOCKS.toml --replace-blocks",
        ),
        retry=Retry.NO,
    )


FAILURE = Failure("host-key-changed", _look)
