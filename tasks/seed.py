"""migrate-prod's reference seeds, with the rows that they found and left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from rollout.decide.scope import decide_scope
from rollout.errors import CommandFailed, DatabaseError
from rollout.executors.process import run_local
from rollout.migrations.seeded import compare_rows, seed_lines, seed_rows
from rollout.model.command import Command

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.database import Database
    from rollout.model.row_count import RowCount
    from rollout.model.source import Source
    from rollout.model.target import DatabaseAddress


def run_seeds(
    settings: Environment, source: Source, address: DatabaseAddress, database: Database
) -> None:
    """Run the reference tier, if there is one, and tell how many rows each table has since.

    NODE_ENV is what keeps the truncating tiers away.

    Args:
        settings: The environment.
        source: The commit, checked out.
        address: The database, as the seeds reach it.
        database: The same, for counting.

    Raises:
        CommandFailed: When the seeds fail.
    """
    if not settings.migrations.seed:
        return
    before = _counted(settings, database)
    get_run_logger().info("the reference seeds run with NODE_ENV=production, whatever it was")
    command = Command(settings.migrations.seed, timeout_s=settings.migrations.seed_timeout_s)
    result = run_local(
        command,
        cwd=Path(source.path),
        env={"NODE_ENV": "production", "DATABASE_URL": address.url},
        log=get_run_logger().info,
    )
    if not result.ok:
        raise CommandFailed(
            "the reference seeds failed",
            result,
            left="All migrations are applied; the release that served before still serves.",
            next_step="Correct the seeds and deploy the next commit, or retry this run.",
        )
    after = _counted(settings, database)
    if before is not None and after is not None:
        _tell(source, before, after)


def _counted(settings: Environment, database: Database) -> tuple[RowCount, ...] | None:
    """Return the rows; None where they cannot be counted, which ends no deploy."""
    try:
        return database.count_rows(decide_scope(settings.migrations, database.user))
    except DatabaseError as error:
        get_run_logger().warning("seeds: %s", error.true)
        return None


def _tell(source: Source, before: tuple[RowCount, ...], after: tuple[RowCount, ...]) -> None:
    seeded = compare_rows(before, after)
    for line in seed_lines(seeded):
        get_run_logger().info(line)
    create_table_artifact(
        key="seeds",
        table=seed_rows(seeded),
        description=f"migrate-prod of {source.version.short}: rows before and after the seeds",
    )
