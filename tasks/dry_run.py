"""migrate-prod's dry run: pending migrations on a scratch copy, and what the serving code needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger

from blocks import load_app_database
from rollout.commands.contracts import parse_contracts, read_contracts_command
from rollout.commands.host import NOT_PREPARED
from rollout.decide.candidates import serving_contract
from rollout.decide.lint import may_be_accepted
from rollout.decide.scope import decide_scope
from rollout.errors import CommandFailed
from rollout.executors.dry_run import NOT_CONFIGURED, OWN_COMMAND, try_migrations
from rollout.model.host import StoredContracts
from rollout.model.layout import Layout
from tasks.target import reach

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.decide.migrate import MigrationPlan
    from rollout.model.contract import Contract
    from rollout.model.dry_run import DryRun
    from rollout.model.finding import Finding
    from rollout.model.target import DatabaseAddress


def tried(
    settings: Environment, plan: MigrationPlan, live: DatabaseAddress, user: str
) -> tuple[DryRun | Finding | None, Contract | Finding | None]:
    """Return what the pending migrations do to a copy of the live schema, and the serving contract.

    Args:
        settings: The environment.
        plan: The plan, with what was found so far.
        live: The live database; its proxy runs already.
        user: Who the database's URL logs in as.

    Returns:
        What came of it, or why there was none, and what the code that serves now needs; None and
        None where nothing is pending, or where the plan is refused whatever comes of it.

    Raises:
        HostError: When the host cannot be reached.
        CommandFailed: When it cannot be read.
    """
    if not plan.pending or not may_be_accepted(plan.verdict):
        return None, None
    if settings.migrations.by == "command":
        return OWN_COMMAND, None
    name = settings.blocks.scratch_database
    if not name:
        return NOT_CONFIGURED, None
    needs = _serving(settings)
    run = try_migrations(
        live,
        load_app_database(name).address(),
        plan.pending,
        (settings.migrations.table_schema, settings.migrations.table),
        decide_scope(settings.migrations, user),
        needs,
        get_run_logger().info,
    )
    return run, needs


def _serving(settings: Environment) -> Contract | Finding:
    """Return what the code that serves now needs, or why that is not known."""
    command = read_contracts_command(Layout(settings.application.directory))
    with reach(settings) as host:
        answer = host.run(command)
    if answer.ok:
        return serving_contract(parse_contracts(answer.stdout), settings.application.service)
    if answer.exit_code == NOT_PREPARED:
        return serving_contract(StoredContracts(), settings.application.service)
    raise CommandFailed(
        "the schema contracts could not be read",
        answer,
        next_step="Log in to the host and look.",
    )
