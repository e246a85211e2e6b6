"""What a defect of our own, or an error of a library, is to a run that has changed something."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rollout.errors import ActivationFailed, RolloutError

if TYPE_CHECKING:
    from collections.abc import Generator


def of_the_domain(error: object) -> RolloutError:
    """Return an error of the domain; whatever else something ended by is made one."""
    if isinstance(error, RolloutError):
        return error
    failed = ActivationFailed(
        f"the task ended by {type(error).__name__}",
        left="What it did on the host is unknown until that is read again.",
        next_step="Read the task's log, then retry this run.",
    )
    # Whether its release serves there by now is what nobody knows: a host of several is asked.
    failed.is_kept = True
    return failed


@contextmanager
def telling_defects() -> Generator[None]:
    """Let whatever error leaves the block be one of the domain: such a release is gone back from.

    Signals that end a run are no errors, and pass.

    Raises:
        RolloutError: The error, or what it is to a run.
    """
    try:
        yield
    except RolloutError:
        raise
    # A release that nobody could see serving is not one that serves, whatever was in the way.
    except Exception as error:
        raise of_the_domain(error) from error
