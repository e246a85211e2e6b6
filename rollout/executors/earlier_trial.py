"""Tries on scratch databases what an earlier release's code would send to the schema that is there.

The schema of its time is grown anew from its own migrations; the one that is there is copied. The
live database is only read.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.decide.judge_steps import decide_tried
from rollout.executors.contract import read_contract
from rollout.executors.grown import grown
from rollout.executors.postgres import told
from rollout.executors.schema_copy import schema_copy
from rollout.executors.scratch import scratch_server
from rollout.executors.trial import Ground, try_on_both
from rollout.executors.walk_roles import walk_roles
from rollout.migrations.trials import trials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.executors.process import Log
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract, Scope
    from rollout.model.target import DatabaseAddress
    from rollout.model.trial import Evidence


def try_earlier(  # noqa: PLR0913, PLR0917 - whose code, where, and for whom
    code: Contract,
    migrations: Iterable[Migration],
    live: DatabaseAddress,
    server: DatabaseAddress,
    table: tuple[str, str],
    scope: Scope,
    log: Log,
) -> Evidence:
    """Return what earlier code's statements meet in the schema that is there.

    Args:
        code: The contract of the earlier release.
        migrations: All of its commit's folder, in order.
        live: The live database; its proxy runs already, where it has one.
        server: The scratch server; its user may create databases and roles.
        table: Schema and name of Drizzle's table.
        scope: Which part of the database is the application's.
        log: Called with what is made and removed.

    Raises:
        ScratchUnusable: When no copy of the live schema can be made, or no role.
        DatabaseUnreachable: When nobody answers, or a connection was cut.
        DatabaseError: When one of the servers refuses the login.
    """
    with ExitStack() as opened:
        admin = opened.enter_context(scratch_server(server, log))
        # Its proxy runs from here on.
        server = replace(server, proxy_command=())
        roles = opened.enter_context(walk_roles(admin, log))
        then = opened.enter_context(grown(admin, server, roles, log))
        for migration in migrations:
            with told(f"{migration.file} cannot be run anew"):
                then.sender.send(migration)
        now = opened.enter_context(schema_copy(live, server, scope.role, table, log))
        tried = trials(code, decide_tried(code, read_contract(now.superuser, scope, log)))
        return try_on_both(then.ground, Ground(now.superuser, scope.role), tried, log)
