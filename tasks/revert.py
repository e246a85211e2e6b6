"""rollback by a revert: from what a person asks for to a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from blocks import load_gcp_project
from rollout.decide.candidates import judge_candidates
from rollout.decide.revert import (
    check_proposing,
    choose_ends,
    choose_span,
    propose_revert,
    without_github,
)
from rollout.errors import ConfigInvalid, RollbackRefused, RolloutError
from rollout.executors import proposal as proposing
from rollout.executors.files import read_environment, workspace
from rollout.executors.github import GitHub
from rollout.model.activation import Wish
from rollout.model.finding import Refuse
from rollout.model.proposal import Proposal
from rollout.render.revert import Story, render_proposal, told_by_contract
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.schema import read_stored, reading_live
from tasks.target import reach

if TYPE_CHECKING:
    from concurrent.futures import Future

    from rollout.config import Environment
    from rollout.decide.revert import Ends
    from rollout.model.command import Secret
    from rollout.model.contract import Contract
    from rollout.model.host import StoredContracts
    from rollout.model.proposal import PullRequest


@task(
    name="revert: plan",
    task_run_name="revert: plan",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def plan_revert(wish: Wish, environment: str, hold: bool) -> Proposal:  # noqa: FBT001 (the form's)
    """Return the commit and the pull request that take the branch back to an earlier release.

    Its result is kept: a run that is retried proposes the same, whatever serves by then.

    Args:
        wish: Which release, and why.
        environment: The environment.
        hold: Whether deploys are to be held; a revert refuses that.

    Raises:
        RollbackRefused: When there is no such release, the branch's history does not lead back to
            it, or nobody said where to propose; the last one tells what to type instead.
        SourceUnavailable: When the repository cannot be read.
    """
    check_proposing(wish, hold=hold)
    settings = read_environment(environment)
    with reading_live(settings) as live, reach(settings) as host:
        stored = read_stored(host, settings)
        ends = choose_ends(stored.facts, wish.to, settings.application.service)
        if isinstance(ends, Refuse):
            raise RollbackRefused("rollback by a revert", ends.findings)
        proposal = _proposal(ends, wish, settings, _schema(ends, stored, live, settings))
    if settings.github is None:
        refused = without_github(proposal, settings)
        raise RollbackRefused("rollback by a revert", refused.findings)
    return proposal


@task(
    name="rollback: propose",
    task_run_name="rollback: propose",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def propose(proposal: Proposal, environment: str) -> str:
    """Return a sentence that names the pull request: the one that is there, or else a new one.

    Args:
        proposal: What to propose: a revert, or files.
        environment: The environment; its file has [github].

    Raises:
        Refused: When the branch has changed the same lines since; names the files.
        PushRefused: When the repository does not take the branch.
        GitHubError: When GitHub does not take the token or the pull request, or does not answer.
        SecretUnusable: When the token is missing, disabled or empty.
    """
    settings = read_environment(environment)
    github = settings.github
    if github is None:
        raise ConfigInvalid(f"deployments/{environment}.toml", "github is missing")
    token = _token(settings, github.token)
    pushing = proposing.Pushing(github.remote, token, github.author)
    api = GitHub(github.api_url, github.repository, token)
    pull = proposing.propose(_origin(settings), proposal, pushing, api)
    _publish(proposal, settings, pull)
    return (
        f"{pull.url} ({pull.state}) proposes it for {settings.branch}: {proposal.title}; "
        "what serves changes when it is merged and deployed"
    )


@task(name="rollback: rehearse", task_run_name="rollback: rehearse", cache_policy=NO_CACHE)
def rehearse(proposal: Proposal, environment: str) -> str:
    """Tell what would be proposed, and return a sentence about it; nothing is pushed.

    Args:
        proposal: What would be proposed.
        environment: The environment.

    Raises:
        Refused: When the branch has changed the same lines since; names the files.
        SourceUnavailable: When the repository cannot be read.
    """
    settings = read_environment(environment)
    proposing.rehearse(_origin(settings), proposal)
    get_run_logger().info("%s\n%s\n%s", proposal.branch, proposal.message, proposal.body)
    _publish(proposal, settings, None)
    return f"would push {proposal.branch} and open a pull request: {proposal.title}"


def story_of(wish: Wish, settings: Environment, schema: tuple[str, ...] = ()) -> Story:
    """Return who asks for a pull request and why, in this run."""
    return Story(
        environment=settings.name,
        reason=wish.reason,
        actor=wish.actor,
        run_id=str(flow_run.id),
        run_url=flow_run.ui_url or "",
        schema=schema,
    )


def _proposal(ends: Ends, wish: Wish, settings: Environment, schema: tuple[str, ...]) -> Proposal:
    spans = proposing.read_spans(
        _origin(settings), ends.version, ends.tops.values(), settings.migrations.folder
    )
    span = choose_span(ends, spans, settings.branch)
    if isinstance(span, Refuse):
        raise RollbackRefused("rollback by a revert", span.findings)
    for one in span.newer:
        get_run_logger().warning("stays on the branch: %s %s", one.version.short, one.subject)
    return propose_revert(ends, span, story_of(wish, settings, schema), settings)


def _schema(
    ends: Ends, stored: StoredContracts, live: Future[Contract], settings: Environment
) -> tuple[str, ...]:
    """Return what the contract of the release says; that nothing is known keeps nobody back.

    The pipeline judges what is merged; this is for whoever decides whether to merge it.
    """
    try:
        candidates = judge_candidates(stored, live.result(), settings)
    except RolloutError as error:
        return (f"The schema could not be judged: {error.true}",)
    found = next((one for one in candidates if one.release.number == ends.chosen), None)
    return told_by_contract(found)


def _publish(proposal: Proposal, settings: Environment, pull: PullRequest | None) -> None:
    create_markdown_artifact(
        key="rollback",
        markdown=render_proposal(proposal, settings.branch, pull),
        description=f"rollback of {settings.name}: {proposal.title}",
    )
    if pull is not None:
        create_link_artifact(key="pull-request", link=pull.url, description=proposal.title)


def _origin(settings: Environment) -> proposing.Origin:
    return proposing.Origin(
        settings.repository,
        settings.branch,
        workspace(settings.name),
        get_run_logger().info,
    )


def _token(settings: Environment, name: str) -> Secret:
    store = load_gcp_project(settings.blocks.gcp_project).secret_store()
    return store.read((name,))[name].value
