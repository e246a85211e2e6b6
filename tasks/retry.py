"""When Prefect may run a failed task again by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.errors import RolloutError

if TYPE_CHECKING:
    from prefect import Task
    from prefect.client.schemas.objects import State, TaskRun

RETRIES = 2
RETRY_DELAY_S = 5.0


def when_safe(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether the error is one that the domain marked as safe to retry."""
    error: object = state.result(raise_on_failure=False)
    return isinstance(error, RolloutError) and error.retry_safe
