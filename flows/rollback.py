"""Take an earlier release of the host up again.

Point of no return: the switch of the proxy. Before it a failure leaves the present release serving,
untouched; after it, a release that verify does not see serving is left again for the one before.
The database is changed only by a corrective migration that was accepted by name, before that point;
it goes forward and stays, and the code that serves can live with it. Whether the earlier code can
live with the schema that is there is decided from its contract before anything is done. A cancel
ends the run while it waits for the target; after that it comes too late, and the run goes on.
"""

from __future__ import annotations

from contextlib import nullcontext

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.target import Target
from rollout.errors import RolloutError
from rollout.model.activation import Secrets, Strategy, Wish
from tasks.ahead import reading_ahead
from tasks.cancelling import from_first_change_on
from tasks.corrective import apply_corrective, plan_corrective, put_on_branch
from tasks.diagnose import evidence_first, explaining
from tasks.ending import ended
from tasks.hold import keep_back
from tasks.hosts import preflight_hosts
from tasks.lease import target_lease
from tasks.names import rollback_name
from tasks.on_github import begin_on_github, shown_on_github
from tasks.ready import getting_ready
from tasks.revert import plan_revert, propose, rehearse
from tasks.rollback import activate_earlier, choose, plan_rollback
from tasks.watch import watching


@flow(name="rollback", flow_run_name=rollback_name, persist_result=True)
def rollback(  # noqa: PLR0913, PLR0917 - each is a field of the form
    reason: str,
    environment: str = "production",
    to: str = "",
    strategy: Strategy = "auto",
    secrets: Secrets = "recorded",
    actor: str = "",
    accept: tuple[str, ...] = (),
    hold: bool = False,  # noqa: FBT001, FBT002 (a switch in the form)
    dry_run: bool = False,  # noqa: FBT001, FBT002 (a switch in the form)
) -> State[None]:
    """Make an earlier release serve again, and prove that it does.

    The version that is left is quarantined: a deploy of it is refused until somebody says in words
    that it is wanted, or rolls back to it.

    Args:
        reason: Why; it stands in the ledger, and in the way of whoever deploys the version again.
        environment: Name of a file in `deployments/`.
        to: The release: its number, or its commit in 7 to 40 digits, which is its image's tag;
            empty takes the last good one before the current, of another version, that no rollback
            has left.
        strategy: How to go back. `image` activates the release as a whole; `auto` does what the
            facts allow. `revert` changes nothing on the host: it opens a pull request that takes
            the branch back to the release's code, which is deployed when somebody merges it; an
            empty `to` then takes what serves, where a rollback made it serve. `corrective` drafts
            the migration that brings back what the release's code needs, tries it on a scratch
            copy, and opens a pull request; where `accept` names `apply-corrective` it is applied
            as well, and the release activated.
        secrets: `recorded` takes the versions that the release was made with; `newest` makes a new
            release of it with the newest ones, for when one of its own was disabled since.
        actor: Who asked; empty where nobody said.
        accept: Rules of `docs/contract.md` that a refusal has named, whose risk this rollback takes
            upon itself, or `apply-corrective`. Empty accepts none.
        hold: Keep all deploys back afterwards, until bin/release-hold or the flow release-hold.
        dry_run: Tell what would be done, and do nothing of it.

    Returns:
        A state that says in one sentence which release serves now; `DryRun`; `Cancelled` when
        nothing was changed. A failed one is named `Held` when a person keeps changes back.

    Raises:
        RollbackRefused: When there is no such release, it serves already, the schema that is there
            does not let its code serve, or a version of its secrets was disabled since. Of a
            revert: when the branch's history does not lead back to it. Of a corrective
            migration: when none may be offered.
        RolloutError: With what is true, what state was left and what to do next.
    """
    wish = Wish(to, strategy, secrets, reason, actor, accept)
    if strategy in ("revert", "corrective") and (wish.proposes or dry_run):
        with explaining(environment):
            return _propose(wish, environment, hold=hold, dry_run=dry_run)
    if dry_run:
        chosen = choose(wish, environment)
        return Completed(name="DryRun", message=plan_rollback(chosen, wish, environment))
    ahead = nullcontext() if wish.applies else reading_ahead(environment)
    try:
        with (
            explaining(environment),
            shown_on_github(environment, "rollback"),
            getting_ready(environment),
            target_lease(environment, reason),
            ahead,
            from_first_change_on() as change,
        ):
            target = Target(environment, at_once=True)
            go = _correct if wish.applies else _activate
            serving = go(wish, environment, target)
            if hold:
                _hold(wish, environment, serving)
            target.demand_whole()
    except RolloutError as error:
        return ended(error)
    return Completed(message=change.account(serving))


def _hold(wish: Wish, environment: str, serving: str) -> None:
    """Keep deploys back; what serves by then is said whatever comes of that."""
    try:
        keep_back(environment, wish.reason, wish.actor)
    except RolloutError as failure:
        by_hand = f"`bin/hold --reason WHY --environment {environment}` keeps them back"
        left = f"Gone back: {serving}. Deploys are not kept back; {by_hand}."
        raise failure.leaving(left) from failure


def _propose(wish: Wish, environment: str, *, hold: bool, dry_run: bool) -> State[None]:
    """Return the state of a run that changes nothing on the target."""
    then = ""
    if wish.strategy == "revert":
        proposal = plan_revert(wish, environment, hold)
    else:
        drafted = plan_corrective(wish, environment, hold)
        proposal = drafted.proposal
        then = f"; would apply {drafted.tag} and make release {drafted.release} serve"
    if not dry_run:
        return Completed(message=propose(proposal, environment))
    told = rehearse(proposal, environment)
    return Completed(name="DryRun", message=told + then if wish.applies else told)


def _correct(wish: Wish, environment: str, target: Target) -> str:
    """Return what serves, once the schema was corrected for it; the branch gets the migration."""
    drafted = plan_corrective(wish, environment, hold=False)
    told = put_on_branch(drafted, environment)
    state = "is not known to be applied"
    try:
        apply_corrective(drafted, environment)
        state = "is applied"
        with reading_ahead(environment):
            serving = _activate(wish.then(drafted.release), environment, target)
    except RolloutError as failure:
        left = f"{failure.left} Migration {drafted.tag} {state}: {told}."
        raise failure.leaving(left) from failure
    return f"{serving}; migration {drafted.tag} {state}: {told}"


def _activate(wish: Wish, environment: str, target: Target) -> str:
    """Return a sentence that says what serves, once it was seen to."""
    chosen = choose(wish, environment)
    # Looked at while the host starts the release: before, each look would delay the choice.
    with watching(environment):
        # Only a new release needs a number; and a host that is lost keeps nobody from going back.
        taken = preflight_hosts(environment).taken if wish.secrets == "newest" else 0
        with target.turn_of_first():
            activation = activate_earlier(chosen, wish, environment, taken)
        begin_on_github(activation.release.version)
        try:
            with evidence_first(environment, activation.release):
                return target.verify(activation)
        except RolloutError as failure:
            raise failure.leaving(target.return_to_former(activation).told) from failure
