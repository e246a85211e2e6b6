"""When Prefect may run a failed task again by itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.runtime import task_run

from rollout.errors import HostUnreachable, RolloutError

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect import Task
    from prefect.client.schemas.objects import State, TaskRun

RETRIES = 2
RETRY_DELAY_S = 5.0


def when_safe(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether the error is one that the domain marked as safe to retry."""
    error: object = state.result(raise_on_failure=False)
    return isinstance(error, RolloutError) and error.retry_safe


@contextmanager
def telling_of_earlier_tries() -> Generator[None]:
    """Let a host that is lost in a later try be told with what an earlier one may have done."""
    try:
        yield
    except HostUnreachable as error:
        if task_run.run_count > 1:
            left = (
                "An earlier try of this run was cut; what it did is unknown until the host is read."
            )
            raise error.leaving(left) from error
        raise
