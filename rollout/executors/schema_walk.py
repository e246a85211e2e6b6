"""Walks a migrations folder on scratch databases, and sees at each step what older code meets.

Two databases grow side by side. One is a step ahead, so that it is known which tables the step
changes before the code's statements are tried in both; the other one then follows. All of it runs
as a role that may do nothing else on the server.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.decide.judge_steps import decide_tried, judge_step
from rollout.executors.catalog import read_catalog
from rollout.executors.grown import Grown, grown
from rollout.executors.postgres import told
from rollout.executors.scratch import scratch_server
from rollout.executors.trial import try_on_both
from rollout.executors.walk_roles import walk_roles
from rollout.migrations.trials import trials
from rollout.model.judged_step import JudgedStep, Walked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from rollout.executors.process import Log
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract
    from rollout.model.target import DatabaseAddress


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
        grown(admin, server, roles, log) as behind,
        grown(admin, server, roles, log) as ahead,
    ):
        contract = ahead.contract()
        for migration in migrations:
            with told(f"{migration.file} cannot be walked"):
                step, contract = _step(migration, contract, behind, ahead)
            yield step


def _step(
    migration: Migration, old: Contract, behind: Grown, ahead: Grown
) -> tuple[JudgedStep, Contract]:
    started = time.monotonic()
    catalog = read_catalog(behind.connection)
    skipped = ahead.sender.send(migration)
    live = ahead.contract()
    tried = trials(old, decide_tried(old, live)) if old != live else ()
    evidence = try_on_both(behind.ground, ahead.ground, tried, ahead.log)
    behind.sender.send(migration)
    walked = Walked(
        skipped=skipped,
        judgement=compatible(old, live),
        evidence=evidence,
        seconds=time.monotonic() - started,
    )
    return judge_step(migration, catalog, walked), live
