"""Keeps deploys of a target back on its host, and lets them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.lease import (
    BUSY,
    NO_ROOM,
    hold_command,
    hold_within_command,
    parse_lease,
    release_hold_command,
)
from rollout.errors import CommandFailed, HostError, LeaseHeld

if TYPE_CHECKING:
    from rollout.executors.host import Host
    from rollout.model.layout import Layout
    from rollout.model.lease import Claim, Holder

_LOOK = "Log in to the host and look at its lease folder."
_FREE = "Free some space on the host first: old images, then logs (docs/recover.md)."


def hold(
    host: Host, layout: Layout, claim: Claim, target: str, *, wait_s: int, for_s: int
) -> Holder:
    """Keep deploys back, and return who does as the host has written it down.

    Args:
        host: The target's host.
        layout: Where the application lies there.
        claim: Who does, and why.
        target: The environment's name, for messages.
        wait_s: How long to wait for a run that is at work, in seconds; 0 does not wait.
        for_s: How long it shall last, in seconds; 0 means until it is released.

    Raises:
        LeaseHeld: When a run is at work, or somebody holds it already; names them.
        HostError: When the host cannot be used.
    """
    said = host.run(hold_command(layout, claim, wait_s=wait_s, for_s=for_s))
    facts = parse_lease(said.stdout)
    who = facts.holder or facts.hold
    if said.exit_code == BUSY and who is not None:
        raise LeaseHeld(
            f"{target} is held by {who.describe()}",
            next_step=f"Wait for {who.link or who.owner}, for instance with `bin/hold --reason WHY "
            f"--environment {target} --wait 10m`."
            if facts.holder
            else f"Ask them, or release it first: bin/release-hold --environment {target}.",
        )
    told = ": ".join(filter(None, (f"{target} could not be held", said.meaning)))
    if said.exit_code == NO_ROOM:
        raise HostError(told, next_step=_FREE)
    if facts.hold is None:
        raise CommandFailed(told, said, next_step=_LOOK)
    return facts.hold


def hold_within(host: Host, layout: Layout, claim: Claim) -> Holder:
    """Keep deploys back from the end of this run on, which has the lease.

    Raises:
        CommandFailed: When it cannot be written down.
        LeaseLost: When somebody else has the target by now.
    """
    said = host.check(
        hold_within_command(layout, claim), "deploys could not be kept back", next_step=_LOOK
    )
    return parse_lease(said.stdout).hold or claim.as_holder()


def release_hold(host: Host, layout: Layout) -> Holder | None:
    """Let deploys go on; return who kept them back, None when nobody did."""
    said = host.check(
        release_hold_command(layout), "the hold could not be released", next_step=_LOOK
    )
    return parse_lease(said.stdout).hold
