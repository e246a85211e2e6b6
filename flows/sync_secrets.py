"""Give the release that serves the newest version of every secret, without a deploy.

Point of no return: the switch of the proxy. Before it a failure leaves the present release serving,
untouched; after it, a release that verify does not see serving is left again for the one before.
The code, the image and the database are not changed. A cancel ends the run while it waits for the
target; after that it comes too late, and the run goes on.
"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.target import Target
from rollout.errors import RolloutError
from tasks.cancelling import from_first_change_on
from tasks.diagnose import evidence_first, explaining
from tasks.ending import ended, taken_back
from tasks.hosts import demand_hosts
from tasks.lease import target_lease
from tasks.sync_secrets import renew_release
from tasks.watch import watching


@flow(name="sync-secrets", flow_run_name="sync secrets of {environment}", persist_result=True)
def sync_secrets(environment: str = "production", reason: str = "", actor: str = "") -> State[None]:
    """Make a new release of what serves, with the newest secrets, and prove that it serves.

    Args:
        environment: Name of a file in `deployments/`.
        reason: Why; empty takes the names of the secrets that differ.
        actor: Who asked; empty where nobody said.

    Returns:
        A state that says in one sentence which release serves now; `Skipped` when the one that
        serves has the newest secrets already; `Cancelled` when nothing was changed. A failed one is
        named `Held` when a person keeps changes back, and `RolledBack` when the new release was
        refused and the former one serves again.

    Raises:
        SecretUnusable: When any secret is missing, disabled, empty or forbidden; names them all.
        RolloutError: With what is true, what state was left and what to do next.
    """
    try:
        with (
            explaining(environment),
            target_lease(environment, reason),
            from_first_change_on() as change,
        ):
            serving = _renew(environment, reason, actor)
    except RolloutError as error:
        return ended(error)
    if serving is None:
        told = "what serves has the newest version of every secret"
        return Completed(name="Skipped", message=told)
    return Completed(message=change.account(serving))


def _renew(environment: str, reason: str, actor: str) -> str | None:
    """Return a sentence that says what serves, once it was seen to; None with nothing to do."""
    with watching(environment):
        target = Target(environment)
        taken = demand_hosts(environment).taken
        with target.turn_of_first():
            activation = renew_release(environment, reason, actor, taken)
        if activation is None:
            target.demand_same()
            return None
        try:
            with evidence_first(environment, activation.release):
                serving = target.verify(activation)
        except RolloutError as failure:
            raise taken_back(failure, target.return_to_former(activation)) from failure
    target.demand_whole()
    return serving
