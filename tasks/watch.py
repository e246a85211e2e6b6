"""Watching the public address while a flow changes what serves there."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from rollout.executors.files import read_environment
from rollout.executors.watch import Watch
from tasks.before import looking_before

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.model.sample import Sample

# A thread cannot travel as a task's parameter, which Prefect may store; a context reaches the tasks
# that the flow calls.
_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching(environment: str) -> Generator[None]:
    """Watch the environment's public address while the block lasts, for the release's report.

    How it was when the block began is kept for verify.
    """
    settings = read_environment(environment)
    with looking_before(settings), Watch(settings.verify) as watch:
        token = _WATCH.set(watch)
        try:
            yield
        finally:
            _WATCH.reset(token)


def seen() -> tuple[Sample, ...]:
    """Return what the flow's watch has seen so far; empty where none is kept."""
    watch = _WATCH.get()
    return watch.samples if watch else ()
