"""The public name does not lead to the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import NOTICED, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    outside = evidence.outside
    if outside is None or not outside.route.failure or outside.is_elsewhere:
        return None
    route = outside.route
    if not route.addresses:
        return _told(evidence, f"{route.name}: {route.failure}", "the public name does not resolve")
    where = ", ".join(route.addresses)
    seen = f"{route.name} is {where}, port {route.port}: {route.failure}"
    return _told(evidence, seen, "the public name leads to where nothing answers")


def _told(evidence: Evidence, seen: str, cause: str) -> Told:
    return Told(
        cause=cause,
        seen=seen,
        next_step="Correct its record at the registrar, or the firewall; then wait for its TTL.",
        commands=(
            f"dig +short {evidence.outside.route.name if evidence.outside else ''}",
            f"curl -sS {evidence.around.url}",
        ),
        impact=NOTICED,
    )


FAILURE = Failure("dns-wrong", _look)
