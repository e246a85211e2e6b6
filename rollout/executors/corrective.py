"""Drafts a corrective migration, and tries it on a scratch copy before anybody is offered it.

The live database is only read. Nobody writes into a repository here: the files are values.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.decide.corrective import (
    Corrective,
    decide_corrective,
    refuse_failed,
    refuse_missing,
    refuse_unplanned,
    sure_witnesses,
)
from rollout.decide.lint import decide_lint
from rollout.decide.migrate import decide_migrations
from rollout.decide.scope import decide_scope
from rollout.errors import MigrationFailed
from rollout.executors.contract import read_contract
from rollout.executors.database import Database
from rollout.executors.schema_copy import schema_copy
from rollout.executors.trial import try_statements
from rollout.migrations.corrective import draft, in_folder
from rollout.migrations.journal import JOURNAL, parse
from rollout.migrations.trials import trials
from rollout.model.finding import Refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.config import Migrations
    from rollout.executors.process import Log
    from rollout.migrations.corrective import Draft
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract, Scope
    from rollout.model.finding import Verdict
    from rollout.model.target import DatabaseAddress


def make_corrective(
    old: Contract,
    live: DatabaseAddress,
    server: DatabaseAddress,
    folder: Mapping[str, bytes],
    settings: Migrations,
    log: Log,
) -> Corrective:
    """Return the migration after which a release's code can live with the schema again.

    Args:
        old: The contract of that release.
        live: The live database, which is only read.
        server: The scratch server.
        folder: Path below the migrations folder to content; empty where there is none at hand, and
            then the files stand in the layout of Drizzle 1.0.
        settings: Where the migrations are noted, and what each rule leads to.
        log: Called with what happens.

    Returns:
        The draft, its files, and whether it may be offered.

    Raises:
        ScratchUnusable: When no copy of the live schema can be made.
        DatabaseUnreachable: When nobody answers, or a connection was cut.
        DatabaseError: When the live schema cannot be read.
    """
    with Database(live, log) as database:
        scope = decide_scope(settings, database.user)
        there = database.contract(scope)
        drafted = draft(old, there, compatible(old, there))
        if not drafted.statements:
            return Corrective(drafted, {}, refuse_missing(drafted))
        journal = parse(folder)
        text = (folder.get(JOURNAL) or b"").decode()
        files = in_folder(drafted.text, journal, text, int(time.time() * 1000))
        joined = parse({**folder, **files})
        migration = joined.migrations[-1]
        rows = database.applied(settings.table_schema, settings.table)
        plan = decide_migrations(joined, rows if folder else (), None)
        lint = decide_lint((migration,), database.catalog(), (), settings.rules)
        refused = (refuse_missing(drafted), refuse_unplanned(plan, migration), lint.verdict)
        verdict = next((one for one in refused if isinstance(one, Refuse)), None)
        if verdict is None:
            verdict = _tried(drafted, migration, old, there, live, server, scope, settings, log)
        return Corrective(drafted, files, verdict)


def _tried(  # noqa: PLR0913, PLR0917 - as above
    drafted: Draft,
    migration: Migration,
    old: Contract,
    there: Contract,
    live: DatabaseAddress,
    server: DatabaseAddress,
    scope: Scope,
    settings: Migrations,
    log: Log,
) -> Verdict:
    table = (settings.table_schema, settings.table)
    with schema_copy(live, server, scope.role, table, log) as copied:
        try:
            with Database(copied.address, log) as copy:
                copy.apply(migration, *table)
        except MigrationFailed as error:
            return refuse_failed(error.true, migration)
        after = read_contract(copied.superuser, scope, log)
        said = try_statements(copied.superuser, scope.role, trials(old), log)
    return decide_corrective(drafted, old, there, after, sure_witnesses(said))
