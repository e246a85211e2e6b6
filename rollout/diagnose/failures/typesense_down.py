"""The application's Typesense does not answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.checks import DEGRADED, failed_check, told_check
from rollout.diagnose.failure import Failure, Told, last

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_SERVICE = "typesense"
"""The check's name in the health body, and the compose service's."""


def _look(evidence: Evidence) -> Told | None:
    check = failed_check(evidence, _SERVICE)
    if check is None:
        return None
    seen = evidence.host.containers if evidence.host else ()
    container = next((one for one in seen if one.service == _SERVICE), None)
    runs = container is not None and container.status == "running"
    return Told(
        cause="the application's Typesense refuses it: wrong key or address"
        if runs
        else "the application's Typesense does not run",
        seen=told_check(check) if runs or container is None else last(container.lines),
        next_step="Compare the key that the application has with the one that Typesense was "
        "started with; both come from the same secret.",
        commands=(
            evidence.on_service(_SERVICE, "docker logs --tail 50"),
            f"bin/trigger sync-secrets --environment {evidence.around.environment}",
        ),
        impact=DEGRADED,
    )


FAILURE = Failure("typesense-down", _look)
