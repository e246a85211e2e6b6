"""The tunnel to the host did not come about, and said why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.tunnel import Meaning, judge_tunnel

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_CAUSES: dict[Meaning, tuple[str, str]] = {
    "no-login": (
        "the worker's Google login has expired, or there is none",
        "Log the worker's account in again, or give its machine a service account.",
    ),
    "forbidden": (
        "the worker's account may not open a tunnel to the host",
        "Give it roles/iap.tunnelResourceAccessor and roles/compute.viewer on the host's project.",
    ),
    "no-backend": (
        "the tunnel reaches the machine, but nothing listens behind it",
        "See whether the VM runs, its sshd too, and whether the firewall lets IAP's range in.",
    ),
    "no-instance": (
        "there is no machine of the name, project and zone that the block names",
        "Correct the proxy command of the host's block.",
    ),
    "unknown": (
        "the tunnel's program did not say anything that is known here",
        "Run the proxy command of the host's block by hand on the worker.",
    ),
}
_COMMANDS: dict[Meaning, tuple[str, ...]] = {
    "no-login": ("gcloud auth list", "gcloud auth login"),
    "forbidden": ("gcloud auth list", "gcloud compute instances list"),
    "no-backend": (
        "gcloud compute instances list",
        "gcloud compute firewall-rules list --filter='sourceRanges:35.235.240.0/20'",
    ),
    "no-instance": ("gcloud compute instances list",),
    "unknown": (),
}


def _look(evidence: Evidence) -> Told | None:
    if not (evidence.is_a("TunnelFailed") or evidence.is_a("TunnelRefused")):
        return None
    meaning = judge_tunnel(evidence.true)
    cause, next_step = _CAUSES[meaning]
    return Told(
        cause=cause,
        seen=evidence.true,
        next_step=next_step,
        commands=("bin/doctor", *_COMMANDS[meaning]),
    )


FAILURE = Failure("tunnel-failed", _look)
