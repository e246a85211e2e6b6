"""Order between tasks that Prefect's own types cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefect import Task
    from prefect.futures import PrefectFuture

P = ParamSpec("P")
R = TypeVar("R")


def after(earlier: Iterable[PrefectFuture[Any]], task: Task[P, R]) -> Callable[P, PrefectFuture[R]]:
    """Return what submits a task that starts when the earlier ones have succeeded.

    The parameters keep their types, which `task.submit(..., wait_for=...)` loses (Prefect 3.8.8).
    """
    waits = list(earlier)

    def submit(*args: P.args, **kwargs: P.kwargs) -> PrefectFuture[R]:
        futures: Any = task
        return futures.submit(*args, **kwargs, wait_for=waits)

    return submit
