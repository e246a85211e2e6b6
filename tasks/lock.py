"""The right to change a target, as far as Prefect can give it.

Prefect's slot makes runs wait for each other and shows who holds it; it does not fence (seen with
3.8.8, 2026-11: the holder of a slot goes on when its run is declared dead). It is one slot for all
flows of a target, which the limit of a deployment is not: a rollback and a deploy never run side by
side.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency

from rollout.errors import ConfigInvalid, RolloutError
from rollout.executors.files import read_environment

if TYPE_CHECKING:
    from collections.abc import Generator

LEASE_DURATION_S = 60
WAIT_S = 1800.0


def limit_name(environment: str) -> str:
    """Return the name of the global concurrency limit that guards a target."""
    return f"target-{environment}"


@contextmanager
def target_lock(environment: str) -> Generator[None]:
    """Hold the target's slot; a second run waits here.

    Args:
        environment: The environment whose target is to be changed.

    Raises:
        ConfigInvalid: When there is no such environment, or nobody registered its limit.
        RolloutError: When the slot did not become free within half an hour.
    """
    slot = concurrency(
        limit_name(read_environment(environment).name),
        timeout_seconds=WAIT_S,
        lease_duration=LEASE_DURATION_S,
        strict=True,
        # A server that restarts must not end a deploy half-way.
        raise_on_lease_renewal_failure=False,
    )
    with ExitStack() as held:
        try:
            held.enter_context(slot)
        except TimeoutError:
            raise RolloutError(
                f"{environment} was busy for {WAIT_S:.0f} s",
                next_step="`bin/doctor` shows who holds it; start this run again after that.",
            ) from None
        except ConcurrencySlotAcquisitionError as error:
            raise ConfigInvalid(limit_name(environment), f"cannot be held: {error}") from error
        yield
