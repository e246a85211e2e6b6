"""A scratch database that grows by the migrations of a folder, whoever wrote them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from rollout.executors.contract import contract_on
from rollout.executors.postgres import connect, read_place, told
from rollout.executors.scratch import scratch_database
from rollout.executors.trial import Ground
from rollout.executors.walk_roles import WalkRoles, open_to_app
from rollout.executors.walk_statements import Sender
from rollout.model.contract import Scope
from rollout.model.target import DatabaseAddress

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.process import Log
    from rollout.model.contract import Contract


@dataclass(frozen=True, slots=True)
class Grown:
    """The database.

    Attributes:
        address: Leads to it as its owner, who may do nothing else on the server.
        connection: A session of the owner.
        sender: Sends migrations to it.
        role: Stands for the application.
        log: Called with what happens.
    """

    address: DatabaseAddress
    connection: psycopg.Connection[Any]
    sender: Sender
    role: str
    log: Callable[[str], None]

    @property
    def ground(self) -> Ground:
        """Return it as a place where statements are tried."""
        return Ground(self.address, self.role)

    def contract(self) -> Contract:
        """Return its contract as it is now; raises what `contract_on` raises."""
        self.connection.execute("RESET SESSION AUTHORIZATION")
        return contract_on(self.connection, Scope(self.role))


@contextmanager
def grown(
    admin: psycopg.Connection[Any], server: DatabaseAddress, roles: WalkRoles, log: Log
) -> Generator[Grown]:
    """Yield a new, empty database, which is gone when the block is left.

    Args:
        admin: To the scratch server; its user may make databases.
        server: The address that it leads to; its proxy runs.
        roles: Whom it belongs to, and who is the application.
        log: Called with what is made and removed.

    Raises:
        ScratchUnusable: When it cannot be made.
        DatabaseUnreachable: When nobody answers, or the connection was cut.
        DatabaseError: When it cannot be opened to the application's role.
    """
    with ExitStack() as opened:
        address = opened.enter_context(scratch_database(admin, server, log, roles.owner))
        superuser = opened.enter_context(connect(address, read_place(address)))
        mine = roles.address(address)
        owner = opened.enter_context(connect(mine, read_place(mine)))
        with told("the scratch database cannot be opened to the application's role"):
            open_to_app(owner, roles)
        yield Grown(mine, owner, Sender(owner, superuser), roles.app, log)
