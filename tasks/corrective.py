"""rollback by a corrective migration: drafted, tried, then proposed or applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from blocks import load_app_database
from rollout.decide.candidates import contract_of, judge_candidates
from rollout.decide.corrective import (
    not_drafted,
    nowhere_to_propose,
    propose_corrective,
    refuse_unneeded,
    refuse_unplanned,
    without_scratch,
)
from rollout.decide.earlier import Earlier, judge_corrected
from rollout.decide.migrate import decide_migrations, verify_applied
from rollout.decide.revert import check_proposing
from rollout.decide.rollback import choose_release
from rollout.decide.scope import decide_scope
from rollout.errors import RollbackRefused, RolloutError
from rollout.executors import git
from rollout.executors.files import read_environment
from rollout.migrations.contract_json import fingerprint
from rollout.migrations.journal import parse
from rollout.model.activation import Wish
from rollout.model.drafted import Drafted
from rollout.model.finding import Finding, Refuse
from rollout.render.corrective import render_corrective, render_corrective_page
from tasks.app_secrets import demand_recorded, demand_same_database
from tasks.backup import back_up
from tasks.derived import with_derived
from tasks.lease import assure_lease
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.revert import propose, story_of
from tasks.schema import read_stored, reading_live
from tasks.source import at
from tasks.target import reach, tell

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.decide.corrective import Corrective
    from rollout.model.candidate import Candidate
    from rollout.model.contract import Contract
    from rollout.model.finding import Verdict
    from rollout.model.source import Source

WHAT = "rollback by a corrective migration"


@task(
    name="corrective: plan",
    task_run_name="corrective: plan",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def plan_corrective(wish: Wish, environment: str, hold: bool) -> Drafted:  # noqa: FBT001 (the form's)
    """Return the migration after which an earlier release's code can serve again.

    It was tried on a scratch copy of the live schema, which is only read. The result is kept: a run
    that is retried proposes, and applies, the same.

    Args:
        wish: Which release, why, and what is accepted.
        environment: The environment.
        hold: Whether deploys are to be held; what is only proposed refuses that.

    Raises:
        RollbackRefused: When there is no such release or it has no contract, when nothing is
            broken, when the draft may not be offered, when the application's own command applies
            the migrations, when the environment has no scratch server, or nowhere to propose and
            nobody accepted that it is applied.
        ScratchUnusable: When no copy of the live schema can be made.
        DatabaseError: When the live schema cannot be read.
    """
    check_proposing(wish, hold=hold)
    settings = read_environment(environment)
    if settings.migrations.by == "command":
        raise RollbackRefused(WHAT, not_drafted(environment).findings)
    if settings.blocks.scratch_database is None:
        raise RollbackRefused(WHAT, without_scratch(environment).findings)
    if settings.github is None and not wish.applies:
        raise RollbackRefused(WHAT, nowhere_to_propose(environment).findings)
    candidate, contract = _chosen(wish, settings)
    source = at(settings.branch, environment, purpose="migrate")
    made = _made(contract, source, settings)
    text = render_corrective(candidate.release, made)
    get_run_logger().info("%s", text)
    _publish(settings, candidate.release.number, text)
    if isinstance(made.verdict, Refuse):
        raise RollbackRefused(WHAT, made.verdict.findings)
    if not made.files:
        unneeded = refuse_unneeded(candidate.release.number, environment)
        raise RollbackRefused(WHAT, unneeded.findings)
    return _drafted(candidate, made, source, wish, settings)


@task(name="corrective: apply", task_run_name="corrective: apply", cache_policy=NO_CACHE)
def apply_corrective(drafted: Drafted, environment: str) -> None:
    """Apply a corrective migration to the live database; one that is applied already is left.

    Args:
        drafted: The migration, for the schema as it was planned for.
        environment: The environment.

    Raises:
        MigrationFailed: With statement and SQLSTATE, and what is left of it.
        LeaseLost: When somebody else has the target by now.
        RollbackRefused: When other migrations are pending by now, or the database does not hold it
            afterwards.
        BackupFailed: When the database could not be backed up before data is destroyed.
    """
    from rollout.executors.database import Database  # noqa: PLC0415 - import cost, as in blocks

    settings = read_environment(environment)
    source = at(drafted.commit.sha, environment, purpose="migrate")
    texts = {path: text.encode() for path, text in drafted.files.items()}
    journal = parse({**git.read_folder(source, settings.migrations.folder), **texts})
    names = settings.migrations.table_schema, settings.migrations.table
    address = load_app_database(settings.blocks.app_database).address()
    with Database(address, tell) as database:
        rows = database.applied(*names)
        plan = decide_migrations(journal, rows, None, settings.migrations.policy)
        _demand(refuse_unplanned(plan, journal.migrations[-1]))
        scope = decide_scope(settings.migrations, database.user)
        before = fingerprint(database.contract(scope))
        backup = back_up(settings, plan.pending, database)
        for migration in plan.pending:
            assure_lease()
            database.apply(migration, *names, before, backup)
        verdict = verify_applied(journal, database.applied(*names))
        if isinstance(verdict, Refuse):
            left = "The database was sent it; what served before still serves."
            raise RollbackRefused(WHAT, verdict.findings).leaving(left)


def put_on_branch(drafted: Drafted, environment: str) -> str:
    """Propose a migration that is about to be applied; return a sentence about it.

    That GitHub cannot be used keeps nobody from repairing production: the sentence then says what a
    person has to commit, because the next deploy is refused without it.
    """
    told = (
        f"commit {', '.join(drafted.files)} of the artifact `corrective` to the branch: once "
        f"{drafted.tag} is applied, a deploy without it is refused"
    )
    if read_environment(environment).github is None:
        return told
    try:
        return propose(drafted.proposal, environment)
    except RolloutError as error:
        get_run_logger().warning("it could not be proposed: %s", error)
        return told


def _publish(settings: Environment, number: int, text: str) -> None:
    create_markdown_artifact(
        key="corrective",
        markdown=render_corrective_page(text),
        description=f"{settings.name}: what release {number} needs of the schema",
    )


def _chosen(wish: Wish, settings: Environment) -> tuple[Candidate, Contract]:
    with reading_live(settings) as live, reach(settings) as host:
        stored = read_stored(host, settings)
        chosen = choose_release(stored.facts, wish.to, settings.application.service)
        if isinstance(chosen, Refuse):
            raise RollbackRefused(WHAT, chosen.findings)
        stored = with_derived(stored, chosen, settings)
        contract = contract_of(stored, chosen.number)
        if isinstance(contract, Finding):
            raise RollbackRefused(WHAT, (contract,))
        candidates = judge_candidates(stored, live.result(), settings)
    (candidate,) = (one for one in candidates if one.release.number == chosen.number)
    if wish.applies:
        rest = wish.then(chosen.number).accept
        earlier = Earlier(candidate, candidates, environment=settings.name)
        _demand(judge_corrected(earlier, rest))
        # What would keep the release from being activated is best known before anything is applied.
        demand_same_database(chosen, wish, settings)
        if wish.secrets == "recorded":
            demand_recorded(chosen, settings)
    return candidate, contract


def _made(contract: Contract, source: Source, settings: Environment) -> Corrective:
    from rollout.executors.corrective import make_corrective  # noqa: PLC0415 - import cost

    scratch = settings.blocks.scratch_database or ""
    return make_corrective(
        contract,
        load_app_database(settings.blocks.app_database).address(),
        load_app_database(scratch).address(),
        git.read_folder(source, settings.migrations.folder),
        settings.migrations,
        tell,
    )


def _drafted(
    candidate: Candidate, made: Corrective, source: Source, wish: Wish, settings: Environment
) -> Drafted:
    release = candidate.release
    texts = {path: text.encode() for path, text in made.files.items()}
    folder = git.read_folder(source, settings.migrations.folder)
    return Drafted(
        release=release.number,
        commit=source.version,
        files=dict(made.files),
        tag=parse({**folder, **texts}).migrations[-1].tag,
        proposal=propose_corrective(release, made, story_of(wish, settings), settings),
    )


def _demand(verdict: Verdict) -> None:
    if isinstance(verdict, Refuse):
        raise RollbackRefused(WHAT, verdict.findings)
