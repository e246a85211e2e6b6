"""One of the host's file systems is full.

Where it is the one with the lease, the lease is what fails: it comes first, and it is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.commands.lease import NO_ROOM, take_command
from rollout.diagnose.failure import Failure, Told
from rollout.model.layout import Layout
from rollout.model.lease import Claim

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

FULL_BYTES = 1024 * 1024
"""Less than this is full: a file of a release may be larger."""
_FREE = "Free some space: old images first, then logs; or grow the disk."


def _look(evidence: Evidence) -> Told | None:
    if evidence.is_a("HostError") and (unwritten := _unwritten(evidence)) in evidence.true:
        return replace(
            _told(evidence, unwritten),
            next_step=f"{_FREE} Nothing can be deployed or rolled back before that.",
            impact="Users notice nothing as long as what serves needs no more room.",
        )
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


def _unwritten(evidence: Evidence) -> str:
    """Return what taking the lease says where nothing can be written, from where it stands."""
    take = take_command(Layout(evidence.around.directory), Claim("", ""), "wait")
    return take.meanings[NO_ROOM]


def _told(evidence: Evidence, seen: str) -> Told:
    return Told(
        cause="a file system of the host is full",
        seen=seen,
        next_step=_FREE,
        commands=(
            evidence.on_host("df -h; docker system df"),
            evidence.on_host("docker image prune --all --force --filter until=720h"),
        ),
    )


FAILURE = Failure("disk-full", _look)
