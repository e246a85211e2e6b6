"""The health path is answered with a redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.seen import Evidence

_REDIRECTS = range(300, 400)


def _look(evidence: Evidence) -> Told | None:
    for status, location in _answers(evidence):
        if status in _REDIRECTS:
            return Told(
                cause="the health path is answered with a redirect, which no check follows",
                seen=f"HTTP {status}, location: {location}",
                next_step="Let the application answer its health path itself, without a redirect "
                "to another host, scheme or login.",
                commands=(f"curl -sSI {evidence.around.url}",),
                retry=Retry.USELESS,
            )
    return None


def _answers(evidence: Evidence) -> Iterator[tuple[int, str]]:
    container, outside = evidence.container, evidence.outside
    if container and container.http_status:
        yield container.http_status, container.location
    if outside and outside.http_status:
        yield outside.http_status, outside.location


FAILURE = Failure("health-redirects", _look)
