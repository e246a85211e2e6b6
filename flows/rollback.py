"""Take an earlier release of the host up again.

Point of no return: the switch of the proxy. Before it a failure leaves the present release serving,
untouched; after it, a release that verify does not see serving is left again for the one before.
The database is not changed. A cancel ends the run while it waits for the target; after that it
comes too late, and the run goes on.
"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from rollout.errors import CancelAsked, RolloutError
from rollout.model.activation import Secrets, Wish
from tasks.activate import return_to_former
from tasks.cancelling import from_first_change_on
from tasks.diagnose import evidence_first, explaining
from tasks.lease import target_lease
from tasks.rollback import activate_earlier, plan_rollback
from tasks.verify import verify_release
from tasks.watch import watching


@flow(name="rollback", flow_run_name="rollback {environment} to {version}", persist_result=True)
def rollback(
    environment: str = "production",
    version: str = "",
    reason: str = "",
    actor: str = "",
    secrets: Secrets = "recorded",
    dry_run: bool = False,  # noqa: FBT001, FBT002 (a switch in the form)
) -> State[None]:
    """Make an earlier release serve again, and prove that it does.

    Args:
        environment: Name of a file in `deployments/`.
        version: The release's commit in 7 to 40 digits, which is its image's tag, or its number;
            empty takes the last good one before the current.
        reason: Why.
        actor: Who asked; empty where nobody said.
        secrets: `recorded` takes the versions that the release was made with; `newest` makes a new
            release of it with the newest ones, for when one of its own was disabled since.
        dry_run: Tell what would be done, and do nothing of it.

    Returns:
        A state that says in one sentence which release serves now; `DryRun`; `Cancelled` when
        nothing was changed.

    Raises:
        RollbackRefused: When there is no such release, it serves already, or a version of its
            secrets was disabled since.
        RolloutError: With what is true, what state was left and what to do next.
    """
    wish = Wish(version, secrets, reason, actor)
    if dry_run:
        return Completed(name="DryRun", message=plan_rollback(wish, environment))
    try:
        with (
            explaining(environment),
            target_lease(environment, reason),
            from_first_change_on() as change,
        ):
            serving = _activate(wish, environment)
    except CancelAsked as asked:
        return Cancelled(message=str(asked))
    return Completed(message=change.account(serving))


def _activate(wish: Wish, environment: str) -> str:
    """Return a sentence that says what serves, once it was seen to."""
    with watching(environment):
        activation = activate_earlier(wish, environment)
        try:
            with evidence_first(environment):
                return verify_release(activation.release, environment)
        except RolloutError as failure:
            raise failure.leaving(return_to_former(activation, environment)) from failure
