"""What a rollback needs besides the host, made ready while the host is connected to.

Where the database lies and who may read secrets is configuration, no fact of the target, so it may
be looked up before the lease is held. The database itself is read under the lease.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks import load_app_database, load_gcp_project
from rollout.executors.clock import monotonic_s
from rollout.executors.files import read_environment
from rollout.executors.secrets import SecretStore
from rollout.model.target import DatabaseAddress

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import Environment

FRESH_S = 10.0
"""How old what was made ready may be, in seconds: who waits for the lease looks again."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is being made ready, and since when, in seconds of a steady clock."""

    began_s: float
    address: Future[DatabaseAddress]
    store: Future[SecretStore]


_READY: ContextVar[_Ready | None] = ContextVar("ready", default=None)


@contextmanager
def getting_ready(environment: str) -> Generator[None]:
    """Make ready beside the block what `database_address` and `secret_store` then find.

    What goes wrong with it is raised there.
    """
    settings = read_environment(environment)
    with ThreadPoolExecutor(2, thread_name_prefix="ready") as beside:
        ready = _Ready(
            monotonic_s(),
            beside.submit(copy_context().run, _address, settings),
            beside.submit(copy_context().run, _store, settings),
        )
        token = _READY.set(ready)
        try:
            yield
        finally:
            _READY.reset(token)


def database_address(settings: Environment) -> DatabaseAddress:
    """Return where the environment's database is, and with which login.

    Raises:
        ConfigInvalid: When there is no such block, or it does not fit.
        SecretUnusable: When its secret cannot be read.
    """
    ready = _fresh()
    return ready.address.result() if ready else _address(settings)


def secret_store(settings: Environment) -> SecretStore:
    """Return the environment's secrets, not yet read.

    Raises:
        ConfigInvalid: When there is no such block, or it does not fit.
    """
    ready = _fresh()
    return ready.store.result() if ready else _store(settings)


def _fresh() -> _Ready | None:
    ready = _READY.get()
    return ready if ready and monotonic_s() - ready.began_s < FRESH_S else None


def _address(settings: Environment) -> DatabaseAddress:
    return load_app_database(settings.blocks.app_database).address()


def _store(settings: Environment) -> SecretStore:
    return load_gcp_project(settings.blocks.gcp_project).secret_store()
