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
            *_limit(evidence, container.service),
        ),
        retry=Retry.USELESS,
    )


def _limit(evidence: Evidence, service: str) -> tuple[str, ...]:
    """Return the line that shows its limit; nothing where nobody said which container it was."""
    if not service:
        return ()
    name = f"{evidence.around.project}-{service}-1"
    return (evidence.on_host(f"docker inspect --format '{{{{.HostConfig.Memory}}}}' {name}"),)


FAILURE = Failure("out-of-memory", _look)
