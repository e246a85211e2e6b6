"""Applies pending migrations to a scratch copy of the live schema, and says what they did there.

The runner is the very one that production gets. The live database is only read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.decide.dry_run import decide_trials
from rollout.errors import DatabaseError, MigrationFailed
from rollout.executors.contract import contract_on, read_contract
from rollout.executors.database import Database
from rollout.executors.lock_trace import LockTrace
from rollout.executors.postgres import connect, read_place
from rollout.executors.schema_copy import schema_copy
from rollout.executors.trial import Ground, try_on_both
from rollout.model.dry_run import DryRun
from rollout.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from rollout.executors.process import Log
    from rollout.executors.schema_copy import Copied
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract, Scope
    from rollout.model.target import DatabaseAddress
    from rollout.model.trial import Evidence, Trial

NOT_CONFIGURED = Finding(
    "no-dry-run",
    "the pending migrations are not tried on a scratch copy first: the environment names none",
    "[blocks] of the environment's file",
    "Name a `scratch_database` there, on a server where databases may be made and dropped.",
)
"""What is told where an environment has no scratch server."""
OWN_COMMAND = Finding(
    "no-dry-run",
    "the pending migrations are not tried on a scratch copy first: the application's own command "
    "applies them",
    "[migrations] of the environment's file",
    "Let the application's own checks apply them to a database of quality's services.",
)
"""What is told where our runner does not apply them."""


def try_migrations(  # noqa: PLR0913, PLR0917 - what is tried, where, and for whom
    live: DatabaseAddress,
    server: DatabaseAddress,
    pending: Iterable[Migration],
    table: tuple[str, str],
    scope: Scope,
    serving: Contract | Finding,
    log: Log,
) -> DryRun | Finding:
    """Return what migrations do to a copy of the live schema, which is gone afterwards.

    Where they put the serving code at risk, its statements are tried on the copy, and on a second
    one that nothing was applied to.

    Args:
        live: The live database; its proxy runs already, where it has one.
        server: The scratch server.
        pending: The migrations, in the order in which they run.
        table: Schema and name of Drizzle's table.
        scope: Which part of the database is the application's.
        serving: The contract of the release that serves, or why it is not known.
        log: Called with what happens.

    Returns:
        What came of it; a finding `no-dry-run` where no copy could be made or used.

    Raises:
        DatabaseError: When the live schema cannot be read.
    """
    live = replace(live, proxy_command=())
    before = read_contract(live, scope, log)

    def told(line: str) -> None:
        log(f"scratch copy: {line}")

    try:
        with schema_copy(live, server, scope.role, table, told) as copied:
            run = _try(copied, before, pending, table, scope, told)
            tried = decide_trials(serving, run.copy, run.after) if run.after else ()
            if not tried:
                return run
            another = schema_copy(live, replace(server, proxy_command=()), scope.role, table, told)
            return replace(run, evidence=_compared(another, copied, tried, scope.role, told))
    except DatabaseError as error:
        return Finding(
            "no-dry-run",
            f"the pending migrations could not be tried on a scratch copy first: {error.true}",
            "the scratch server",
            error.next_step,
            type(error).__name__,
        )


def _compared(
    another: AbstractContextManager[Copied],
    migrated: Copied,
    tried: tuple[Trial, ...],
    role: str,
    log: Log,
) -> Evidence | None:
    """Return what statements meet before and after; None where they cannot be tried."""
    try:
        with another as untouched:
            then, now = (Ground(one.superuser, role) for one in (untouched, migrated))
            return try_on_both(then, now, tried, log)
    except DatabaseError as error:
        log(f"the serving code's statements were not tried: {error.true}")
        return None


def _try(
    copied: Copied,
    live: Contract,
    pending: Iterable[Migration],
    table: tuple[str, str],
    scope: Scope,
    log: Log,
) -> DryRun:
    failure = None
    with connect(copied.superuser, read_place(copied.superuser)) as beside:
        copy = contract_on(beside, scope)
        trace = LockTrace(beside)
        try:
            with Database(copied.address, log, heed=trace) as database:
                for migration in pending:
                    database.apply(migration, *table)
        except MigrationFailed as error:
            failure = Finding(
                "dry-run-fails",
                f"it fails on a scratch copy of the live schema: {error.true}",
                "the scratch copy",
                "Correct the file and deploy the next commit.",
            )
        return DryRun(
            live=live,
            copy=copy,
            after=None if failure else contract_on(beside, scope),
            traced=trace.traced,
            failure=failure,
            servers=(copied.live_server, copied.server),
        )
