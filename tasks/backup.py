"""The backup that is made before a migration destroys data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger

from blocks import load_gcp_project
from rollout.decide.backup import decide_loss, serves_again
from rollout.model.backup import Backup
from tasks.lease import assure_lease

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.database import Database
    from rollout.migrations.journal import Migration


def back_up(
    settings: Environment, pending: tuple[Migration, ...], database: Database
) -> Backup | None:
    """Have the database backed up when pending migrations destroy data.

    The right to migrate is taken before, so that nobody else migrates meanwhile. A backup that an
    earlier try made for the same files a moment ago is not made again.

    Returns:
        The backup for the marker; None when none is needed or no instance is set.

    Raises:
        BackupFailed: When it is refused, fails, or has not ended within its time.
        BackupUnavailable: When Google cannot be asked.
        DatabaseError: When the database cannot be used, as `Database.demand_ready` says.
    """
    wanted = settings.migrations
    if not (wanted.backup_instance and pending):
        return None
    names = wanted.table_schema, wanted.table
    database.demand_ready(*names)
    loss = decide_loss(pending, database.catalog())
    if not loss.places:
        return None
    earlier = database.noted_backup(*names)
    if earlier and serves_again(earlier, loss):
        get_run_logger().info("backup %s of an earlier try serves this one too", earlier.id)
        return earlier
    get_run_logger().info("migrate-prod: %s", loss.announce(wanted.backup_instance))
    assure_lease()
    backups = load_gcp_project(settings.blocks.gcp_project).backups(get_run_logger().info)
    made = backups.make(
        wanted.backup_instance,
        f"trovella-deploy, before {loss.describe()}",
        wanted.backup_timeout_s,
    )
    return Backup(made, loss.files)
