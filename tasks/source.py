"""The commit that a run is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger, task

from rollout.decide.may_go import OLDER
from rollout.errors import Superseded
from rollout.executors import git
from rollout.executors.files import read_environment, workspace
from rollout.ledger import read_ledger
from rollout.model.source import Branches, Source
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.target import reach, read

if TYPE_CHECKING:
    from rollout.model.release import Version


@task(
    name="checkout",
    task_run_name="checkout",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def checkout(commit: str, environment: str) -> Source:
    """Return the exact commit that a ref names, once it is known to be one that may be deployed.

    Args:
        commit: A commit, branch or tag; untrusted text.
        environment: The environment whose repository and branch are meant.

    Raises:
        ConfigInvalid: When the ref is none, or names nothing.
        Refused: When the commit is not on a branch of which commits may go.
        SourceUnavailable: When the repository cannot be read.
    """
    return at(commit, environment, purpose="source")


def demand_newer(
    source: Source, deployed: Version | None, environment: str, accept: tuple[str, ...]
) -> None:
    """Let a deploy give way whose commit what serves holds already; for flows.

    Of two merges the older one's workflow may come last. Nothing is lost by that, and going back is
    what a rollback is for. What was not verified, or is on the branch no longer, is no reason.

    Args:
        source: The commit.
        deployed: What serves now; None before the first deploy.
        environment: The environment.
        accept: What the request takes upon itself; `older-than-serving` is what matters here.

    Raises:
        Superseded: When what serves holds the commit, and more; nothing was changed.
    """
    settings = read_environment(environment)
    if deployed is None or not git.precedes(source, deployed, settings.branch):
        return
    with reach(settings) as host:
        last = read_ledger(read(host, settings.application).ledger).last_said(deployed.sha)
    if last is None or last.event != "verified":
        return
    told = f"{deployed.short} serves, whose history holds {source.version.short} already"
    if OLDER in accept:
        get_run_logger().warning("%s: accepted: %s", OLDER, told)
        return
    raise Superseded(
        told,
        left="Nothing was changed: what serves goes on serving.",
        next_step="Nothing, where the merge of the newer one overtook this one. To go back to this "
        f"commit: `bin/rollback {source.version.short} --reason WHY --environment {environment}`; "
        f"where the host has no release of it any more, deploy it with `accept` naming {OLDER}.",
    )


def at(commit: str, environment: str, purpose: str, *, demanded: bool = True) -> Source:
    """Return the commit with a checkout of this worker's own; what was there before is reused.

    Args:
        commit: The commit, a branch or a tag.
        environment: The environment.
        purpose: What it is for; each purpose has a folder of its own.
        demanded: Whether it must be on a branch of which commits may go; not of a commit that was
            deployed before, whose branch may have been rewritten since, or of one that this run
            has asked it of. Then the repository is not needed for a commit that was fetched before.
    """
    settings = read_environment(environment)
    return git.checkout(
        settings.repository,
        commit,
        Branches(settings.branch, settings.may_go.branches, demanded),
        workspace(environment),
        get_run_logger().info,
        purpose=purpose,
    )
