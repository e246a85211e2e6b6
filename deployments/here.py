"""What a machine has to be for a command that reaches the target's host from it."""

from __future__ import annotations

import sys

from rollout.errors import RolloutError

LINUX = "linux"


def demand_linux() -> None:
    """See to it that this machine is a Linux.

    Elsewhere a run would find out only after the switch: waiting for programs and noticing a cut
    connection are calls that other systems lack (`pidfd_open`, `TCP_USER_TIMEOUT`).

    Raises:
        RolloutError: When it is another system.
    """
    # Asked for at run time: a type checker takes its own system for the only one.
    here = str(sys.platform)
    if here != LINUX:
        raise RolloutError(
            f"this machine is no Linux ({here}), and only a Linux reaches the host as it has to be",
            next_step="Run it on the operations machine, or on any other Linux machine "
            "(docs/recover.md).",
        )
