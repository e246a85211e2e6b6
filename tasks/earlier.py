"""What an earlier release's code would meet, tried before a rollback is refused for a risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger

from blocks import load_app_database
from rollout.decide.candidates import contract_of
from rollout.decide.scope import decide_scope
from rollout.errors import RolloutError
from rollout.model.contract import Contract

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.host import StoredContracts
    from rollout.model.release import Release
    from rollout.model.trial import Evidence


def evidence_for(
    chosen: Release, stored: StoredContracts, settings: Environment
) -> Evidence | None:
    """Return what statements of a release's code meet on a copy of the live schema.

    Args:
        chosen: The release.
        stored: What was read of the host.
        settings: The environment.

    Returns:
        What was tried; None where there is no scratch server, where the application's own command
        applies its migrations, or where nothing could be tried: the log says why, and the refusal
        stands by the contracts alone.
    """
    name = settings.blocks.scratch_database
    code = contract_of(stored, chosen.number)
    ours = settings.migrations.by == "drizzle"
    if not (name and ours and isinstance(code, Contract)):
        return None
    try:
        return _tried(chosen, code, name, settings)
    except RolloutError as error:
        told = "rollback: what release %s would send was not tried: %s"
        get_run_logger().warning(told, chosen.number, error.true)
        return None


def _tried(chosen: Release, code: Contract, scratch: str, settings: Environment) -> Evidence:
    # As in blocks: only a refusal pays for these imports.
    from rollout.executors import git  # noqa: PLC0415
    from rollout.executors.database import Database  # noqa: PLC0415
    from rollout.executors.earlier_trial import try_earlier  # noqa: PLC0415
    from rollout.migrations.journal import parse  # noqa: PLC0415
    from tasks.source import at  # noqa: PLC0415

    log = get_run_logger().info
    source = at(chosen.version.sha, settings.name, purpose="migrate", demanded=False)
    journal = parse(git.read_folder(source, settings.migrations.folder))
    live = load_app_database(settings.blocks.app_database).address()
    with Database(live, log) as database:
        return try_earlier(
            code,
            journal.migrations,
            live,
            load_app_database(scratch).address(),
            (settings.migrations.table_schema, settings.migrations.table),
            decide_scope(settings.migrations, database.user),
            log,
        )
