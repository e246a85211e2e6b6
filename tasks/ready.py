"""What a rollback needs besides the host, made ready while the host is connected to.

Where the database lies, who may read secrets and who may log in are configuration, no facts of the
target, so they may be looked up before the lease is held. The database is read under the lease.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks import load_app_database, load_gcp_project
from rollout.executors.clock import monotonic_s
from rollout.executors.files import read_environment
from rollout.executors.secrets import SecretStore
from rollout.model.target import DatabaseAddress
from tasks.target import tell

if TYPE_CHECKING:
    from collections.abc import Generator

    from blocks.app_database import AppDatabase
    from rollout.config import Environment
    from rollout.executors.database import Database  # noqa: TC004 - import cost, as in blocks

FRESH_S = 10.0
"""How old what was made ready may be, in seconds: who waits for the lease looks again."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is being made ready.

    Attributes:
        began_s: Since when, in seconds of a steady clock.
        address: Where the database is, and with which login.
        sessions: The database, connected; empty once somebody has taken it.
        store: The environment's secrets, not yet read.
    """

    began_s: float
    address: Future[DatabaseAddress]
    sessions: list[Future[Database]]
    store: Future[SecretStore]


_READY: ContextVar[_Ready | None] = ContextVar("ready", default=None)


@contextmanager
def getting_ready(environment: str) -> Generator[None]:
    """Make ready beside the block what `connected_database` and `secret_store` then find.

    What goes wrong with it is raised there.
    """
    settings = read_environment(environment)
    with ExitStack() as left_open, ThreadPoolExecutor(4, thread_name_prefix="ready") as beside:
        block = beside.submit(copy_context().run, load_app_database, settings.blocks.app_database)
        address = beside.submit(copy_context().run, lambda: block.result().address())
        ready = _Ready(
            monotonic_s(),
            address,
            [beside.submit(copy_context().run, _session, address, left_open)],
            beside.submit(copy_context().run, _store, block, settings),
        )
        token = _READY.set(ready)
        try:
            yield
        finally:
            _READY.reset(token)


@contextmanager
def connected_database(settings: Environment) -> Generator[Database]:
    """Yield the environment's database, connected as long as the block lasts.

    Raises:
        ConfigInvalid: When there is no such block, or it does not fit.
        SecretUnusable: When its secret cannot be read.
        DatabaseError: When it cannot be reached.
    """
    from rollout.executors.database import Database  # noqa: PLC0415 - import cost, as in blocks

    ready = _fresh()
    if ready and ready.sessions:
        with ready.sessions.pop().result() as database:
            yield database
        return
    address = (
        ready.address.result()
        if ready
        else load_app_database(settings.blocks.app_database).address()
    )
    with Database(address, tell) as database:
        yield database


def secret_store(settings: Environment) -> SecretStore:
    """Return the environment's secrets, not yet read.

    Raises:
        ConfigInvalid: When there is no such block, or it does not fit.
    """
    ready = _fresh()
    return (
        ready.store.result()
        if ready
        else load_gcp_project(settings.blocks.gcp_project).secret_store()
    )


def _fresh() -> _Ready | None:
    ready = _READY.get()
    return ready if ready and monotonic_s() - ready.began_s < FRESH_S else None


def _session(address: Future[DatabaseAddress], left_open: ExitStack) -> Database:
    """Return the database, connected until it is used or the block has ended."""
    from rollout.executors.database import Database  # noqa: PLC0415 - import cost, as in blocks

    return left_open.enter_context(Database(address.result(), tell))


def _store(block: Future[AppDatabase], settings: Environment) -> SecretStore:
    """Return the secrets of the environment's project, which is often the database's as well."""
    project = block.result().gcp
    is_it = project.is_called(settings.blocks.gcp_project)
    return (project if is_it else load_gcp_project(settings.blocks.gcp_project)).secret_store()
