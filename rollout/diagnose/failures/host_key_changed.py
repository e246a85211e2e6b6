"""The host shows another key than the pinned one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import Failure, Told
from rollout.model.diagnosis import Retry

if TYPE_CHECKING:
    from rollout.model.seen import Evidence


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("HostKeyChanged"):
        return None
    return Told(
        cause="another machine answers at the host's address, or the host was rebuilt",
        seen=evidence.true,
        next_step="Find out which of the two in a way that does not go over the network: the "
        "machine's console, or what it told Google. Only if it was rebuilt and the block pins its "
        "key: docs/recover.md, The host is lost, step 2.",
        commands=evidence.on_machine("instances get-guest-attributes", "--query-path hostkeys/"),
        retry=Retry.NO,
    )


FAILURE = Failure("host-key-changed", _look)
