"""Take the release that is verified in one environment to another, by the same digest.

Nothing is built and no check is run anew: the image is the one that was verified. What is pending
is planned against the environment's own database; from the plan on it is a deploy.

Point of no return: the switch of the proxy inside deploy-prod, as for a deploy. Where the
environment asks for it, a person approves before anything is changed, and before the target is
held, so that nobody who has to roll back waits for an answer. What was approved is what is done:
when the plan became another one meanwhile, the run ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.deploy import serve
from rollout.decide.promote import describe, prospect_of, reason_of
from rollout.errors import RolloutError
from rollout.model.ready import Ready
from tasks.activate import plan_deploy
from tasks.cancelling import until_first_change
from tasks.diagnose import explaining
from tasks.ending import ended
from tasks.hosts import demand_hosts, demand_level
from tasks.lease import target_lease
from tasks.migrate import plan_migrations
from tasks.names import promote_name
from tasks.on_github import begin_on_github, shown_on_github
from tasks.preflight import preflight
from tasks.promote import approve, asks, choose, demand_approved, find_image
from tasks.source import checkout, demand_newer

if TYPE_CHECKING:
    from rollout.model.promotion import Promoted
    from rollout.model.source import Source


@flow(name="promote", flow_run_name=promote_name, persist_result=True)
def promote(
    environment: str = "production",
    release: str = "",
    reason: str = "",
    actor: str = "",
    dry_run: bool = False,  # noqa: FBT001, FBT002 (a switch in the form)
    accept: tuple[str, ...] = (),
) -> State[None]:
    """Let what is verified in the environment before this one serve here, and prove that it does.

    Args:
        environment: Where it shall go: a file in `deployments/` with `[promotion]`, which says
            where it comes from.
        release: The release there: its number, or its commit in 7 to 40 digits; empty takes the
            one that serves there.
        reason: Why; the ledger also says where it comes from, and who approved it.
        actor: Who asked; empty takes the commit's author.
        dry_run: Tell what would be done, and do nothing of it.
        accept: As of a deploy to this environment: rules for migrations whose findings are taken
            upon this run, `version-quarantined`, `outside-window`,
            `older-than-serving`, `hosts-behind`, `database-empty`. Empty accepts none.

    Returns:
        A state that says in one sentence which release serves now; `DryRun`; `Superseded` or
        `Cancelled` when nothing was changed. A failed one is named `Held` when a person keeps
        deploys back, and `RolledBack` when the release was refused and the former one serves again.

    Raises:
        Refused: When it is not a verified release, serves already, is another image in this
            environment's registry, may not go now, or nobody approved it; nothing was changed.
        RolloutError: With what is true, what state was left and what to do next.
    """
    try:
        with (
            explaining(environment),
            shown_on_github(environment, "promote"),
            until_first_change(),
        ):
            if dry_run:
                told = _rehearsed(release, environment, accept)
                return Completed(name="DryRun", message=told)
            return Completed(message=_promoted(release, environment, reason, actor, accept))
    except RolloutError as error:
        return ended(error)


def _rehearsed(release: str, environment: str, accept: tuple[str, ...]) -> str:
    """Return a sentence that says what a promotion would do; its log has each command."""
    promoted = choose(release, environment)
    source = checkout(promoted.version.sha, environment)
    found = _look(promoted, source, environment, accept)
    planned = plan_deploy(source, environment, reason_of(promoted, "", ""), "")
    return f"{promoted.told}, {describe(prospect_of(found))}: {planned}"


def _promoted(
    release: str, environment: str, reason: str, actor: str, accept: tuple[str, ...]
) -> str:
    """Return a sentence that says what serves, once the release was approved and seen to."""
    promoted = choose(release, environment)
    source = checkout(promoted.version.sha, environment)
    shown, approved = None, ""
    if asks(environment):
        shown = prospect_of(_look(promoted, source, environment, accept))
        approved = approve(promoted, shown, environment)
        # While nobody answered here somebody may have left it there.
        promoted = choose(str(promoted.number), environment)
    why = reason_of(promoted, reason, approved)
    with target_lease(environment, why, supersedes=True):
        begin_on_github(source.version)
        found = _look(promoted, source, environment, accept)
        demand_approved(shown, prospect_of(found), environment)
        return serve(found, environment, why, actor)


def _look(promoted: Promoted, source: Source, environment: str, accept: tuple[str, ...]) -> Ready:
    """Return what a promotion would do to an environment, once nothing stands in its way."""
    # First, so that a promotion never asks for what only a build needs.
    image = find_image(promoted, environment)
    deployed = preflight(promoted.version, environment, accept)
    demand_newer(source, deployed, environment, accept)
    planned = plan_migrations(source, deployed, environment, accept)
    hosts = demand_hosts(environment)
    demand_level(hosts, deployed, planned, accept)
    return Ready(source, image, deployed, planned, hosts.taken)
