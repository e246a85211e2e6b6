"""The new container ends by itself as soon as it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.compose import STOPPED
from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    container = evidence.container
    if container is None or evidence.reserved != STOPPED:
        return None
    name = f"{evidence.around.project}-{container.service}-1" if container.service else ""
    return Told(
        cause=f"the new container ends by itself with exit status {container.exit_code}",
        seen=last(container.lines, container.error or "it wrote nothing"),
        next_step="Correct what its last lines name, and deploy the next commit. Where the "
        "container is gone, they stand in the artifact `diagnosis`.",
        commands=(evidence.on_host(f"docker logs --tail 50 {name}"),) if name else (),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("container-exits-at-start", _look, is_general=True)
