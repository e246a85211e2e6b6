"""The balancer before a target of several hosts: it ends TLS and asks whichever host is well.

A machine of its own over the cloud's root, which has Caddy: a proxy is one program, and needs no
engine.
"""

from __future__ import annotations

from infra.rehearsal import facts
from infra.rehearsal.machines import Machine
from infra.rehearsal.paths import HERE, Rehearsal
from infra.rehearsal.roots import build_roots


def balancer(rehearsal: Rehearsal) -> Machine:
    """Return the balancer, off and without a disk unless it was stood up."""
    machine = Machine(
        rehearsal,
        "balancer",
        (facts.BALANCER,),
        build_roots(rehearsal.cache).lower("cloud"),
        "balancer-init",
    )
    if not (machine.state / "binds").exists():
        settings = (HERE / "balancer" / "Caddyfile").read_text(encoding="utf-8")
        machine.write("/etc/caddy/Caddyfile", settings)
    return machine
