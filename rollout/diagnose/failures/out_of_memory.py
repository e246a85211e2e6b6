"""The kernel ended the container for want of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    container = evidence.container
    if container is None or not container.oom_killed:
        return None
    return Told(
        cause="the kernel ended the container for want of memory",
        seen=f"OOMKilled, exit status {container.exit_code}",
        next_step="Give it more memory in the compose file, or find out what it needs it for.",
        commands=(
            evidence.on_host("free -m; docker stats --no-stream"),
            evidence.on_host(
                f"docker inspect --format '{{{{.HostConfig.Memory}}}}' {_name(evidence)}"
            ),
        ),
        retry=Retry.USELESS,
    )


def _name(evidence: Evidence) -> str:
    service = evidence.container.service if evidence.container else evidence.around.service
    return f"{evidence.around.project}-{service}-1"


FAILURE = Failure("out-of-memory", _look)
