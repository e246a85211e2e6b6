"""Compose does not accept the release's compose file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    check = evidence.host.compose if evidence.host else None
    if check is None or check.plain_exit_code == 0:
        return None
    return Told(
        cause="compose does not accept the application's compose file",
        seen=last(check.lines),
        next_step="Correct the file in a new commit, and deploy that.",
        commands=(evidence.on_host(f"docker compose --file {check.file} config --quiet"),),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("compose-invalid", _look)
