"""One of the host's file systems is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

FULL_BYTES = 1024 * 1024
"""Less than this is full: a file of a release may be larger."""


def _look(evidence: Evidence) -> Told | None:
    refused = next((one for one in evidence.findings if one.rule == "free-disk"), None)
    if refused:
        return _told(evidence, refused.consequence)
    rooms = evidence.host.rooms if evidence.host else ()
    for room in rooms:
        if room.free_bytes < FULL_BYTES:
            return _told(evidence, f"{room.place}: {room.free_bytes} bytes free")
        if room.free_files == 0:
            return _told(evidence, f"{room.place}: no more files can be made")
    return None


def _told(evidence: Evidence, seen: str) -> Told:
    return Told(
        cause="a file system of the host is full",
        seen=seen,
        next_step="Free some space: old images first, then logs; or grow the disk.",
        commands=(
            evidence.on_host("df -h; docker system df"),
            evidence.on_host("docker image prune --all --force --filter until=720h"),
        ),
    )


FAILURE = Failure("disk-full", _look)
