"""Google does not say which key the host has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_CAUSES = {
    401: "Google does not take the credentials of the project's block any more",
    403: "the worker's account may not read what machines tell, or the Compute Engine API is off",
    404: "there is no such machine, or it has told Google no key",
}


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("HostKeyUnknown"):
        return None
    is_passing = evidence.is_a("HostKeyUnavailable")
    otherwise = "Google cannot be asked now" if is_passing else "the machine has told Google no key"
    return Told(
        cause=_CAUSES.get(evidence.http_status or 0, otherwise),
        seen=evidence.true,
        next_step="See that the machine is there (docs/recover.md, The host is lost), that it "
        "tells its key and the worker's account may read it, or pin the key in the host's block.",
        commands=(
            *evidence.on_machine("instances get-guest-attributes", "--query-path hostkeys/"),
            evidence.doctor,
        ),
        retry=Retry.SAFE if is_passing else Retry.AFTER,
        impact=SERVES_ON,
    )


FAILURE = Failure("host-key-unknown", _look)
