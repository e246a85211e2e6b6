"""What a rollback decides from, read side by side from the moment at which it has the target.

One after the other these would take longer than the release takes to start. The lease was taken a
moment before and nothing was changed since, so what is read here is what serves.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from rollout.executors.files import read_environment
from rollout.model.contract import Contract
from rollout.model.host import HostFacts, StoredContracts
from tasks.schema import read_live, read_stored
from tasks.target import reach, read

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rollout.config import Environment

P = ParamSpec("P")
T = TypeVar("T")

_SIDE_BY_SIDE = 5


@dataclass(frozen=True, slots=True)
class Ahead:
    """Readings that are under way; the result of each raises what went wrong with it.

    Attributes:
        stored: The host's releases and the contracts in their folders.
        live: The contract of the live schema.
        facts: What the application has on the host.
        beside: What reads them.
    """

    stored: Future[StoredContracts]
    live: Future[Contract]
    facts: Future[HostFacts]
    beside: Executor

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do something beside the readings, in the caller's context; the block waits for it."""
        return self.beside.submit(partial(copy_context().run, work, *args, **kwargs))


_AHEAD: ContextVar[Ahead | None] = ContextVar("read ahead", default=None)


@contextmanager
def reading_ahead(environment: str) -> Generator[None]:
    """Let tasks in the block find what they decide from read, or being read.

    To be entered when the lease was just taken. What is decided after a change, of the host or of
    the database, must be read anew.

    Args:
        environment: The environment.
    """
    with _reading(read_environment(environment)) as ahead:
        token = _AHEAD.set(ahead)
        try:
            yield
        finally:
            _AHEAD.reset(token)


@contextmanager
def readings(settings: Environment) -> Generator[Ahead]:
    """Yield what the flow reads ahead; where it does not, begin to read now."""
    ahead = _AHEAD.get()
    if ahead is not None:
        yield ahead
        return
    with _reading(settings) as own:
        yield own


def facts_ahead() -> HostFacts | None:
    """Return what was read of the host before anything was changed; None where nothing was.

    Raises:
        CommandFailed: When the host was never prepared, or its engine does not answer.
        HostError: When the host cannot be used.
    """
    ahead = _AHEAD.get()
    return ahead.facts.result() if ahead is not None else None


@contextmanager
def _reading(settings: Environment) -> Generator[Ahead]:
    with (
        reach(settings) as host,
        ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="ahead") as beside,
    ):
        yield Ahead(
            stored=beside.submit(copy_context().run, read_stored, host, settings),
            live=beside.submit(copy_context().run, read_live, settings),
            facts=beside.submit(copy_context().run, read, host, settings.application),
            beside=beside,
        )
