"""Walks a migrations folder on scratch databases, and sees at each step what older code meets.

Two databases grow side by side. One is a step ahead, so that it is known which tables the step
changes before the code's statements are tried in both; the other one then follows. All of it runs
as a role that may do nothing else on the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from rollout.decide.compatible.judge import compatible
from rollout.decide.judge_steps import closed_tables, decide_tried, judge_step
from rollout.executors.catalog import read_catalog
from rollout.executors.contract import contract_on
from rollout.executors.postgres import connect, read_place, told
from rollout.executors.scratch import scratch_database, scratch_server
from rollout.executors.trial import try_statements
from rollout.executors.walk_roles import WalkRoles, open_to_app, walk_roles
from rollout.executors.walk_statements import Sender
from rollout.migrations.trials import trials, witnesses
from rollout.model.contract import Scope
from rollout.model.judged_step import JudgedStep, Walked
from rollout.model.target import DatabaseAddress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from rollout.executors.process import Log
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract


def walk(
    server: DatabaseAddress, migrations: Iterable[Migration], log: Log
) -> Generator[JudgedStep]:
    """Yield each migration judged, once it has run.

    The databases and roles go away when the generator is closed, also by an interrupt.

    Args:
        server: Any database of a scratch server, never production's; its user may create databases
            and roles.
        migrations: All of a folder, in order; the first one meets an empty database.
        log: Called with what is made and removed.

    Raises:
        ScratchUnusable: When the server lets its user make no roles or databases.
        ConfigInvalid: When the URL is none.
        DatabaseUnreachable: When nobody answers, or a connection was cut.
        DatabaseError: When the server refuses the login.
    """
    with (
        scratch_server(server, log) as admin,
        walk_roles(admin, log) as roles,
        _grown(admin, server, roles, log) as behind,
        _grown(admin, server, roles, log) as ahead,
    ):
        contract = ahead.contract()
        for migration in migrations:
            with told(f"{migration.file} cannot be walked"):
                step, contract = _step(migration, contract, behind, ahead)
            yield step


@dataclass(frozen=True, slots=True)
class _Grown:
    """One of the databases."""

    address: DatabaseAddress
    connection: psycopg.Connection[Any]
    sender: Sender
    role: str
    log: Callable[[str], None]

    def contract(self) -> Contract:
        self.connection.execute("RESET SESSION AUTHORIZATION")
        return contract_on(self.connection, Scope(self.role))


@contextmanager
def _grown(
    admin: psycopg.Connection[Any], server: DatabaseAddress, roles: WalkRoles, log: Log
) -> Generator[_Grown]:
    with ExitStack() as opened:
        address = opened.enter_context(scratch_database(admin, server, log, roles.owner))
        superuser = opened.enter_context(connect(address, read_place(address)))
        mine = roles.address(address)
        owner = opened.enter_context(connect(mine, read_place(mine)))
        with told("the scratch database cannot be opened to the application's role"):
            open_to_app(owner, roles)
        yield _Grown(mine, owner, Sender(owner, superuser), roles.app, log)


def _step(
    migration: Migration, old: Contract, behind: _Grown, ahead: _Grown
) -> tuple[JudgedStep, Contract]:
    started = time.monotonic()
    catalog = read_catalog(behind.connection)
    skipped = ahead.sender.send(migration)
    live = ahead.contract()
    tried = trials(old, decide_tried(old, live)) if old != live else ()
    before, after = (
        try_statements(one.address, one.role, tried, one.log) if tried else ()
        for one in (behind, ahead)
    )
    behind.sender.send(migration)
    walked = Walked(
        skipped=skipped,
        judgement=compatible(old, live),
        witnesses=witnesses(before, after),
        tried=len(tried),
        seconds=time.monotonic() - started,
        closed=closed_tables(before),
    )
    return judge_step(migration, catalog, walked), live
