"""The registry refuses the login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import LOGIN_REFUSED, PULL_FAILED
from rollout.diagnose.failure import SERVES_ON, Failure, Told, last

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_REFUSED = (401, 403)


def _look(evidence: Evidence) -> Told | None:
    host = evidence.reserved == LOGIN_REFUSED
    worker = evidence.is_a("RegistryRefused")
    pull = evidence.reserved == PULL_FAILED and evidence.http_status in _REFUSED
    if not (host or worker or pull):
        return None
    return Told(
        cause="the registry refuses the login that the registry's block gives",
        seen=last(evidence.stderr) if host else f"HTTP {evidence.http_status}: {evidence.true}",
        next_step="See that the service account exists, its key is in force, and it may read (and, "
        "to build, write) the repository.",
        commands=(evidence.around.cloud.who_may_write(),),
        impact=SERVES_ON,
    )


FAILURE = Failure("registry-login-refused", _look)
