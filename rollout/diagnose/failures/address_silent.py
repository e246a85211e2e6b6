"""The address that is asked in the public name's place, such as a host's own, does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    outside = evidence.outside
    if outside is None or not outside.route.failure or not outside.is_elsewhere:
        return None
    route = outside.route
    return Told(
        cause="the address that is asked in the public name's place does not answer",
        seen=f"{route.name}, port {route.port}: {route.failure}",
        next_step="See whether the proxy runs there, and whether a firewall lets the worker in.",
        commands=(f"nc -vz {route.name} {route.port}", evidence.on_host("docker ps --all")),
        impact="Users notice it where they are led to the same address.",
    )


FAILURE = Failure("address-silent", _look)
