"""The image was built for another architecture than the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    container = evidence.container
    if container is None or not container.built_for or container.built_for == container.runs_on:
        return None
    build = f"docker buildx build --platform linux/{container.runs_on}"
    return Told(
        cause=f"the image is for {container.built_for}, and the host is {container.runs_on}",
        seen=last(container.lines, container.error or f"exit status {container.exit_code}"),
        next_step="Build it for the host's architecture, and deploy the next commit.",
        commands=(evidence.around.code.build(build),),
        retry=Retry.USELESS,
        impact=SERVES_ON,
    )


FAILURE = Failure("architecture-mismatch", _look)
