"""The host cannot be reached over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence, RouteSeen


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("HostUnreachable") or evidence.is_a("TunnelFailed"):
        return None
    route = evidence.route
    name = route.name if route else evidence.around.address
    return Told(
        cause=_cause(route),
        seen=f"{name}: {route.failure}" if route and route.failure else evidence.true,
        next_step=f"See whether {_where(route)} lets the worker in: docs/recover.md, The host is "
        "lost, says how to look.",
        commands=(
            evidence.doctor,
            *evidence.on_machine("instances describe", "--format 'value(status)'"),
            evidence.on_host("true"),
        ),
    )


def _where(route: RouteSeen | None) -> str:
    """Return what may be in the way; without a route there is a tunnel, or nobody could look."""
    if route is None:
        return "the VM runs, its sshd too, and whether the firewall or the tunnel"
    return "the VM runs, whether its name resolves, and whether the firewall"


def _cause(route: RouteSeen | None) -> str:
    if route and not route.addresses:
        return "the host's name does not resolve"
    if route and route.failure == "ECONNREFUSED":
        return "the host refuses connections to its SSH port: no sshd listens there"
    if route and route.failure:
        return "nothing answers at the host's SSH port"
    return "the host's SSH server does not let a session come about"


FAILURE = Failure("host-unreachable", _look)
