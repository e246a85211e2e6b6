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
        cause="the host's login does not know the key in the target host block",
        seen=evidence.true,
        next_step="Add its public half to authorized_keys on the host, or give the block the right "
        "key. With OS Login it may have run out: docs/recover.md, The key has run out.",
        commands=(evidence.on_host("true"),),
    )


FAILURE = Failure("host-login-refused", _look)
