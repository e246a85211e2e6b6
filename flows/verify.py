"""Look whether the current release is seen from outside as it should be; nothing is changed.

There is no point of no return. It needs no lease and writes nothing on the host, so it may run at
any time, beside a deploy too: what looks wrong while a run changes the target is no failure.
"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.target import Target
from rollout.errors import RolloutError
from tasks.deployed import changed_meanwhile, deployed_release, told_nothing_deployed
from tasks.diagnose import explaining


@flow(name="verify", flow_run_name="verify {environment}", persist_result=True)
def verify(environment: str = "production") -> State[None]:
    """Verify the release that the environment's host calls its current one.

    Args:
        environment: Name of a file in `deployments/`.

    Returns:
        A state that says in one sentence which release serves; `Skipped` when it could
        not be seen because a run changes the target, or has changed it; `NothingDeployed` before
        the first release.

    Raises:
        VerificationFailed: When anything is not as the release says, with all that was seen.
        HostsBehind: When a further host of the target does not serve it.
    """
    with explaining(environment):
        release = deployed_release(environment)
        if release is None:
            return Completed(name="NothingDeployed", message=told_nothing_deployed(environment))
        try:
            return Completed(message=Target(environment).look(release))
        except RolloutError as failure:
            why = changed_meanwhile(release, environment)
            if not why:
                raise
            told = f"{why}; look again later. Seen: {failure.true.splitlines()[0]}"
            return Completed(name="Skipped", message=told)
