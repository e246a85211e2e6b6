"""The host does not accept the worker's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("HostLoginRefused"):
        return None
    return Told(
        cause="the key in the target host block is not in the login's authorized_keys",
        seen=evidence.true,
        next_step="Add its public half on the host, or give the block the right key.",
        commands=(f"{evidence.around.ssh} true",),
    )


FAILURE = Failure("host-login-refused", _look)
