"""The schema as tasks read it: what releases were deployed with, and what is there now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING

from rollout.commands.contracts import parse_contracts, read_contracts_command
from rollout.decide.scope import decide_scope
from rollout.model.layout import Layout
from tasks.ready import connected_database

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.contract import Contract
    from rollout.model.host import StoredContracts


def read_stored(host: Host, settings: Environment) -> StoredContracts:
    """Return the host's releases and the contracts that lie in their folders.

    Raises:
        CommandFailed: When the host was never prepared.
    """
    answer = host.check(
        read_contracts_command(Layout(settings.application.directory)),
        "the releases could not be read",
        next_step="Deploy to it first, or log in to the host and look.",
    )
    return parse_contracts(answer.stdout)


def read_live(settings: Environment) -> Contract:
    """Return the contract of the environment's database as it is.

    Raises:
        DatabaseError: When it cannot be reached or read.
    """
    with connected_database(settings) as database:
        return database.contract(decide_scope(settings.migrations, database.user))


@contextmanager
def reading_live(settings: Environment) -> Generator[Future[Contract]]:
    """Read the contract of the live database beside what the block does; it waits at its end."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        yield beside.submit(copy_context().run, read_live, settings)
