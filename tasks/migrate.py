"""migrate-prod: from the repository's journal and the database's rows to a schema that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from blocks import load_app_database
from rollout.decide.backup import decide_loss
from rollout.decide.drift import LEFT, decide_drift
from rollout.decide.dry_run import decide_dry_run, planned_by
from rollout.decide.lint import (
    decide_lint,
    with_all_names,
    with_lint,
    with_verdict,
)
from rollout.decide.migrate import (
    Applied,
    MigrationPlan,
    decide_migrations,
    verify_applied,
    watch_hits,
)
from rollout.decide.prechecks import with_prechecks
from rollout.decide.scope import decide_scope, judge_scope
from rollout.errors import Refused
from rollout.executors import git
from rollout.executors.database import Database
from rollout.executors.files import read_environment
from rollout.executors.squawk import second_opinions
from rollout.migrations.contract_json import fingerprint, parse_contract, render_contract
from rollout.migrations.journal import Journal, parse, parse_plain
from rollout.migrations.prechecks import prechecks
from rollout.migrations.second_opinion import with_opinions
from rollout.migrations.table import table_rows
from rollout.model.dry_run import DryRun
from rollout.model.finding import Refuse, Verdict
from rollout.model.migrated import Migrated, Planned
from rollout.model.release import Version
from rollout.model.source import Source
from tasks.backup import back_up
from tasks.dry_run import tried
from tasks.lease import assure_lease
from tasks.own_command import apply_by_command
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.seed import run_seeds
from tasks.source import at

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.decide.dry_run import Tried
    from rollout.decide.lint import Lint
    from rollout.model.finding import Finding
    from rollout.model.target import DatabaseAddress


@task(
    name="migrate-prod: plan",
    task_run_name="migrate-prod: plan",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def plan_migrations(
    source: Source, deployed: Version | None, environment: str, accept: tuple[str, ...] = ()
) -> Planned:
    """Return the migrations that applying would apply, and where they lead; all is only read.

    They are tried on a scratch copy of the live schema first, where the environment has a server
    for it.

    Args:
        source: The commit.
        deployed: What serves now; None before the first deploy.
        environment: The environment.
        accept: Rules of `docs/rules.md` and `docs/contract.md` whose findings the request takes
            upon itself.

    Raises:
        Refused: When the folder or the database is not as it must be before applying, or when a
            statement breaks the code that serves now or destroys data, or the rows that are there
            are in its way, and nobody accepted it, or when the migrations fail on the copy.
        DatabaseError: When the database cannot be read.
    """
    settings = read_environment(environment)
    source = at(source.version.sha, environment, purpose="migrate")
    address = _address(settings)
    with Database(address, get_run_logger().info) as database:
        plan = _plan(settings, source, deployed, database)
        rules = settings.migrations.rules
        catalog = database.catalog()
        lint = decide_lint(plan.pending, catalog, accept, rules)
        questions = prechecks((judged for judged, _ in lint.statements), catalog)
        answers = database.ask(questions, settings.migrations.precheck_timeout_s)
        lint = with_prechecks(lint, answers, accept, rules)
        linted = with_lint(plan, lint)
        run, needs = tried(settings, linted, address, database.user)
    found = decide_dry_run(run, needs, accept, settings.migrations.dry_run)
    rows = _rows_of(plan, lint, found, run)
    plan = with_all_names(with_verdict(linted, found.findings, found.verdict), accept)
    get_run_logger().info("migrate-prod: %s", plan.describe())
    first = decide_loss(plan.pending, catalog).announce(settings.migrations.backup_instance)
    if first:
        get_run_logger().warning("migrate-prod: %s", first)
    _publish(plan, rows, source)
    _demand("migrate-prod", plan.verdict)
    return planned_by(plan, run)


@task(
    name="migrate-prod",
    task_run_name="migrate-prod",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def migrate_prod(
    source: Source, deployed: Version | None, environment: str, planned: Planned
) -> Migrated:
    """Apply what is pending, verify it by identity, run the reference seeds, read the contract.

    Each file is one transaction where the server allows for it; what an earlier, killed run
    applied is not applied again. Where the application's own command applies them, what each file
    is to the server is its own affair, and the table's names say afterwards what is there.

    Args:
        source: The commit.
        deployed: What serves now; None before the first deploy.
        environment: The environment.
        planned: Where the migrations led to on a scratch copy.

    Returns:
        The tags of all migrations that the code expects, and the schema contract that they led to.
        The state is `Skipped` when there was nothing to do.

    Raises:
        MigrationFailed: With file, statement and SQLSTATE, and what is left of the file.
        LeaseLost: When somebody else has the target by now.
        Refused: When the database does not hold afterwards what the code expects, has become
            something that the code cannot live with, or has nothing in a schema that the
            environment's file names.
        BackupFailed: When data would be destroyed and the database could not be backed up before.
        CommandFailed: When the seeds fail, or the application's own command does.
    """
    settings = read_environment(environment)
    source = at(source.version.sha, environment, purpose="migrate")
    address = _address(settings)
    with Database(address, get_run_logger().info) as database:
        plan = _plan(settings, source, deployed, database)
        _demand("migrate-prod", plan.verdict)
        tags = expected(settings, source)
        if plan.is_empty:
            migrated = Migrated(tags, _contract(settings, database))
            _demand_as_tried(planned, settings, migrated)
            # Prefect takes a state that a task returns as the task's own.
            return cast("Any", Completed(name="Skipped", message=plan.describe(), data=migrated))
        if settings.migrations.by == "command":
            _apply_by_command(settings, source, plan, database)
        else:
            _apply(settings, plan, database)
        _verify(settings, source, database)
        if plan.seed_expected:
            assure_lease()
            run_seeds(settings, source, address, database)
        migrated = Migrated(tags, _contract(settings, database))
        _demand_as_tried(planned, settings, migrated)
        return migrated


def as_it_is(settings: Environment, source: Source) -> Migrated:
    """Return what migrate-prod would hand on if nothing were pending; the database is only read."""
    with Database(_address(settings), get_run_logger().info) as database:
        scope = decide_scope(settings.migrations, database.user)
        contract = database.contract(scope)
    return Migrated(expected(settings, source), render_contract(contract))


def expected(settings: Environment, source: Source) -> tuple[str, ...]:
    """Return the tags of all migrations that a commit's code expects, in order."""
    return tuple(migration.tag for migration in _journal(settings, source).migrations)


def holds_exactly(version: Version, environment: str) -> Verdict:
    """Judge whether the database holds what a version's code expects; it is only read."""
    settings = read_environment(environment)
    source = at(version.sha, environment, purpose="migrate", demanded=False)
    with Database(_address(settings), get_run_logger().info) as database:
        return verify_applied(_journal(settings, source), _rows(settings, database))


def _apply(settings: Environment, plan: MigrationPlan, database: Database) -> None:
    """Apply what is pending with our own runner, file by file."""
    names = settings.migrations.table_schema, settings.migrations.table
    before = fingerprint(database.contract(decide_scope(settings.migrations, database.user)))
    backup = back_up(settings, plan.pending, database)
    for migration in plan.pending:
        assure_lease()
        database.apply(migration, *names, before, backup)


def _apply_by_command(
    settings: Environment, source: Source, plan: MigrationPlan, database: Database
) -> None:
    """Let the application apply what is pending; nothing pending runs nothing."""
    back_up(settings, plan.pending, database)
    if plan.pending:
        assure_lease()
        apply_by_command(settings, source, _address(settings))


def _demand_as_tried(planned: Planned, settings: Environment, migrated: Migrated) -> None:
    """Compare what the live schema became with what the copy became."""
    live = parse_contract(migrated.contract)
    try:
        _demand("migrate-prod", decide_drift(planned, live, settings.migrations.dry_run))
    except Refused as refused:
        raise refused.leaving(LEFT) from None


def _address(settings: Environment) -> DatabaseAddress:
    return load_app_database(settings.blocks.app_database).address()


def _journal(settings: Environment, source: Source) -> Journal:
    files = git.read_folder(source, settings.migrations.folder)
    return parse_plain(files) if settings.migrations.by == "command" else parse(files)


def _rows(settings: Environment, database: Database) -> tuple[Applied, ...]:
    return database.held(settings.migrations)


def _plan(
    settings: Environment, source: Source, deployed: Version | None, database: Database
) -> MigrationPlan:
    changed = git.changed_paths(source, deployed) if deployed else None
    hits = None if changed is None else watch_hits(settings.migrations.watch, changed)
    return decide_migrations(
        _journal(settings, source), _rows(settings, database), hits, settings.migrations.policy
    )


def _verify(settings: Environment, source: Source, database: Database) -> None:
    _demand("migrate-prod", verify_applied(_journal(settings, source), _rows(settings, database)))


def _contract(settings: Environment, database: Database) -> str:
    """Return the text of the schema contract as it is now."""
    scope = decide_scope(settings.migrations, database.user)
    contract = database.contract(scope)
    _demand("migrate-prod", judge_scope(contract, scope))
    return render_contract(contract)


def _demand(what: str, verdict: Verdict) -> None:
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s (%s)", finding.rule, finding.consequence, finding.where)
    if isinstance(verdict, Refuse):
        raise Refused(what, verdict.findings)


def _rows_of(
    plan: MigrationPlan, lint: Lint, found: Tried, run: DryRun | Finding | None
) -> list[dict[str, str]]:
    """Return the plan as a table: each statement with all that was found out about it."""
    others = (*plan.findings, *lint.others, *found.findings)
    rows = table_rows(lint.statements, others, run.traced if isinstance(run, DryRun) else ())
    opinions = second_opinions(plan.pending, get_run_logger().warning)
    if opinions is None:
        return rows
    return with_opinions(rows, [one.statement for one, _ in lint.statements], opinions)


def _publish(plan: MigrationPlan, rows: list[dict[str, str]], source: Source) -> None:
    create_table_artifact(
        key="migrations",
        table=rows or [{"statement": "nothing pending"}],
        description=f"migrate-prod of {source.version.short}: {plan.describe()}",
    )
