"""The compose file demands a variable that nobody gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    check = evidence.host.compose if evidence.host else None
    if check is None or check.exit_code == 0 or check.plain_exit_code != 0:
        return None
    return Told(
        cause="the compose file demands a variable that the release's .env does not have",
        seen=last(check.lines),
        next_step="Add it to [secrets] or [settings] of the environment's file, and to Secret "
        "Manager if it is a secret; then deploy again.",
        commands=(
            evidence.on_host(f"cut -d= -f1 {check.file.rpartition('/')[0]}/.env"),
            f"$EDITOR deployments/{evidence.around.environment}.toml",
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("environment-variable-missing", _look)
