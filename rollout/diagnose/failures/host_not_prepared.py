"""Nothing of ours is on the host yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.host import NOT_PREPARED
from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if evidence.reserved != NOT_PREPARED:
        return None
    return Told(
        cause="no release was ever put on this host",
        seen=f"there is no {evidence.around.directory}",
        next_step="Deploy a commit: that prepares the host as well.",
        commands=(
            f"bin/trigger deploy --environment {evidence.around.environment} "
            "--parameter=commit=COMMIT",
        ),
        impact="Users see nothing of ours there, as before.",
    )


FAILURE = Failure("host-not-prepared", _look)
