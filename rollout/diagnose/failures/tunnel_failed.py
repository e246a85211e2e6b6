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
        "On the operations machine the machine's own account has to be the active one; do not log "
        "in there. Elsewhere log the worker's account in again.",
    ),
    "forbidden": (
        "the worker's account may not open a tunnel to the host",
        "Give it roles/iap.tunnelResourceAccessor and roles/compute.viewer on the host's project.",
    ),
    "no-backend": (
        "the tunnel reaches the machine, but nothing listens behind it",
        "See whether the VM runs, its sshd too, and whether the firewall lets IAP's range in: "
        "docs/recover.md, The host is lost, says how.",
    ),
    "no-instance": (
        "there is no machine of the name, project and zone that the block names",
        "Correct `instance`, or a `proxy_command` of your own, of the host's block.",
    ),
    "unknown": (
        "the tunnel's program did not say anything that is known here",
        "Run it by hand on the worker: with an `instance` it is `gcloud compute "
        "start-iap-tunnel`, else the block's own `proxy_command`.",
    ),
}
_COMMANDS: dict[Meaning, tuple[str, ...]] = {
    "no-login": ("gcloud auth list",),
    "forbidden": ("gcloud auth list",),
    "no-backend": (),
    "no-instance": (),
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
        commands=(evidence.doctor, *_COMMANDS[meaning], *_machine(evidence, meaning)),
    )


def _machine(evidence: Evidence, meaning: Meaning) -> tuple[str, ...]:
    if meaning == "unknown":
        return evidence.on_machine("start-iap-tunnel", "22 --local-host-port=localhost:2222")
    if meaning == "no-login":
        return ()
    return evidence.on_machine("instances describe", "--format 'value(status)'")


FAILURE = Failure("tunnel-failed", _look)
