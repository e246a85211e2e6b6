"""Take a merged commit to a serving, verified release.

Point of no return: the switch of the proxy inside deploy-prod. Before it a failure leaves the
former release serving, untouched. After it, a release that verify does not see serving is left
again for the former one. Applied migrations stay applied in both cases: they only go forward.

The target's lease is held from before the build until the end. A newer deploy that waits for it
takes this one's place as long as nothing was changed on the target; the run ends `Superseded` then.
A cancel ends the run until then; from migrate-prod on it comes too late, and the run goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.target import Target
from rollout.errors import RolloutError
from rollout.model.ready import Ready
from tasks.activate import deploy_prod, plan_deploy
from tasks.cancelling import from_first_change_on, until_first_change
from tasks.diagnose import evidence_first, explaining
from tasks.ending import ended, taken_back
from tasks.hosts import demand_hosts, demand_level
from tasks.image import build_push, move_latest
from tasks.lease import before_first_change, target_lease
from tasks.migrate import migrate_prod, plan_migrations
from tasks.names import deploy_name
from tasks.on_github import begin_on_github, shown_on_github
from tasks.order import after
from tasks.preflight import preflight
from tasks.quality import quality
from tasks.source import checkout, demand_newer
from tasks.watch import watching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.futures import PrefectFuture

# Tasks at once: quality and what waits for it hold three threads, its checks have the others.
SIDE_BY_SIDE: Any = cast("Any", ThreadPoolTaskRunner(max_workers=8))


@flow(
    name="deploy",
    flow_run_name=deploy_name,
    persist_result=True,
    task_runner=SIDE_BY_SIDE,
)
def deploy(
    commit: str,
    environment: str = "production",
    reason: str = "",
    actor: str = "",
    dry_run: bool = False,  # noqa: FBT001, FBT002 (a switch in the form)
    accept: tuple[str, ...] = (),
) -> State[None]:
    """Deploy one commit to one environment and prove that it serves.

    Args:
        commit: The commit, a branch or a tag; it must be reachable from the environment's branch.
        environment: Name of a file in `deployments/`.
        reason: Why; empty means that the merge itself is the reason.
        actor: Who asked; empty takes the commit's author.
        dry_run: Tell what would be done, and do nothing of it: neither checks nor build run.
        accept: Rules for migrations, by their names in `docs/rules.md` and `docs/contract.md`,
            whose findings this deploy takes upon itself: only so a statement runs that breaks the
            code that serves now or destroys data. `version-quarantined` deploys a version that a
            rollback has left, `outside-window` at a time at which deploys may not begin,
            `older-than-serving` a commit that the history of what serves holds,
            `hosts-behind` migrations while a host serves other code, `database-empty` to a database
            that holds no migration although something serves. Empty accepts none.

    Returns:
        A state that says in one sentence which release serves now; `DryRun`; `Superseded` or
        `Cancelled` when nothing was changed. A failed one is named `Held` when a person keeps
        deploys back, and `RolledBack` when the release was refused and the former one serves again.

    Raises:
        RolloutError: With what is true, what state was left and what to do next.
    """
    try:
        if dry_run:
            told = _rehearsed(commit, environment, reason, actor, accept)
            return Completed(name="DryRun", message=told)
        with (
            explaining(environment),
            shown_on_github(environment, "deploy"),
            target_lease(environment, reason, supersedes=True),
            until_first_change(),
        ):
            return Completed(message=_phases(commit, environment, reason, actor, accept))
    except RolloutError as error:
        return ended(error)


def _rehearsed(
    commit: str, environment: str, reason: str, actor: str, accept: tuple[str, ...]
) -> str:
    """Return a sentence that says what a deploy would do; its log has each command."""
    source = checkout(commit, environment)
    deployed = preflight(source.version, environment, accept)
    demand_newer(source, deployed, environment, accept)
    pending = plan_migrations(source, deployed, environment, accept)
    demand_level(demand_hosts(environment), deployed, pending, accept)
    planned = plan_deploy(source, environment, reason, actor)
    return f"{planned}; migrations that would be applied: {', '.join(pending.tags) or 'none'}"


def _phases(commit: str, environment: str, reason: str, actor: str, accept: tuple[str, ...]) -> str:
    """Return a sentence that says what serves, once every phase has been gone through."""
    source = checkout(commit, environment)
    begin_on_github(source.version)
    checked = after([], quality)(source, environment)
    deployed = preflight(source.version, environment, accept)
    demand_newer(source, deployed, environment, accept)
    hosts = demand_hosts(environment)
    planned = after([checked], plan_migrations)(source, deployed, environment, accept)
    image = after([checked], build_push)(source, environment)
    for phase in (checked, planned, image):
        phase.result()
    demand_level(hosts, deployed, planned.result(), accept)
    ready = Ready(source, image.result(), deployed, planned.result(), hosts.taken)
    return serve(ready, environment, reason, actor, earlier=(planned, image))


def serve(
    ready: Ready,
    environment: str,
    reason: str,
    actor: str,
    earlier: Iterable[PrefectFuture[Any]] = (),
) -> str:
    """Return a sentence that says what serves: everything of a deploy that changes something.

    For flows that hold the target's lease.

    Args:
        ready: What the release is made of.
        environment: The environment.
        reason: Why.
        actor: Who asked; empty takes the commit's author.
        earlier: The tasks that the first change waits for, as the UI's picture has it.
    """
    before_first_change(environment)
    with from_first_change_on() as change:
        migrate = after(earlier, migrate_prod)
        migrated = migrate(ready.source, ready.deployed, environment, ready.planned).result()
        with watching(environment):
            target = Target(environment)
            with target.turn_of_first():
                activation = deploy_prod(ready, migrated, environment, reason, actor)
            try:
                with evidence_first(environment, activation.release):
                    serving = target.verify(activation)
            except RolloutError as failure:
                raise taken_back(failure, target.return_to_former(activation)) from failure
        move_latest(ready.image, environment)
        target.demand_whole()
    return change.account(serving)
