"""Another program listens on a port that the proxy publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import NOTICED, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

PUBLISHED = (80, 443)


def _look(evidence: Evidence) -> Told | None:
    listeners = evidence.host.listeners if evidence.host else ()
    taken = [(port, who) for port, who in listeners if port in PUBLISHED]
    if not taken or not _starts_the_proxy(evidence):
        return None
    port, who = taken[0]
    return Told(
        cause="another program on the host listens on a port that the proxy needs",
        seen=f"port {port}: {who}",
        next_step="Stop that program, and keep it from starting again.",
        commands=(evidence.on_host(f"sudo ss -ltnp 'sport = :{port}'"),),
        impact=NOTICED,
    )


def _starts_the_proxy(evidence: Evidence) -> bool:
    return "up" in evidence.words and evidence.around.proxy in evidence.words


FAILURE = Failure("port-taken", _look)
