"""Reads the schema contract that a release's migrations lead to, on a fresh scratch database.

The live database is only read, for what migrations do not say: whom they run as, which extensions
and roles there are, and what the server sets for the application's role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.scope import decide_scope
from rollout.executors.contract import read_contract
from rollout.executors.database import Database
from rollout.executors.schema_copy import empty_copy
from rollout.migrations.derived import as_allowed_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.config import Migrations
    from rollout.executors.process import Log
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract
    from rollout.model.target import DatabaseAddress


def derive_contract(
    migrations: Sequence[Migration],
    live: DatabaseAddress,
    server: DatabaseAddress,
    settings: Migrations,
    log: Log,
) -> Contract:
    """Return the contract of a database in which these migrations, and nothing else, ran.

    Args:
        migrations: All that the release's code expects, in order.
        live: The live database, which is only read.
        server: The scratch server.
        settings: Whose schemas count, and where migrations are noted.
        log: Called with what happens.

    Raises:
        MigrationFailed: When one of them cannot run on an empty database.
        ScratchUnusable: When the scratch server lacks or forbids something.
        DatabaseUnreachable: When nobody answers, or a connection was cut.
        DatabaseError: When the live schema cannot be read.
    """
    names = settings.table_schema, settings.table
    with Database(live, log) as database:
        scope = decide_scope(settings, database.user)
        there = database.contract(scope)
        with empty_copy(live, server, scope.role, log) as copied:
            with Database(copied.address, log) as copy:
                for migration in migrations:
                    copy.apply(migration, *names)
            return as_allowed_now(read_contract(copied.superuser, scope, log), there)
