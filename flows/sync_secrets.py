"""Give the release that serves the newest version of every secret, without a deploy.

Point of no return: the switch of the proxy. Before it a failure leaves the present release serving,
untouched; after it, a release that verify does not see serving is left again for the one before.
The code, the image and the database are not changed.
"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from rollout.errors import VerificationFailed
from tasks.activate import return_to_former
from tasks.lease import target_lease
from tasks.sync_secrets import renew_release
from tasks.verify import verify_release
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
        serves has the newest secrets already.

    Raises:
        SecretUnusable: When any secret is missing, disabled, empty or forbidden; names them all.
        RolloutError: With what is true, what state was left and what to do next.
    """
    with target_lease(environment, reason), watching(environment):
        activation = renew_release(environment, reason, actor)
        if activation is None:
            return Completed(
                name="Skipped", message="what serves has the newest version of every secret"
            )
        try:
            return Completed(message=verify_release(activation.release, environment))
        except VerificationFailed as failure:
            raise failure.leaving(return_to_former(activation, environment)) from failure
