"""The release's files did not arrive on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.host import DAMAGED, UPLOAD
from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    uploads = any(word.startswith(f"# {UPLOAD}") for word in evidence.words)
    if not uploads or evidence.exit_code in (None, 0):
        return None
    damaged = evidence.reserved == DAMAGED
    return Told(
        cause="the release's files arrived damaged"
        if damaged
        else "the release's files could not be written on the host",
        seen=last(evidence.stderr or evidence.stdout),
        next_step="See that the application's directory belongs to the login and can be written.",
        commands=(evidence.on_host(f"ls -ld {_places(evidence)}; id; df -h {_places(evidence)}"),),
        retry=Retry.SAFE if damaged else Retry.AFTER,
        impact=SERVES_ON,
    )


def _places(evidence: Evidence) -> str:
    return f"{evidence.around.directory} {evidence.around.directory}/releases"


FAILURE = Failure("upload-failed", _look)
