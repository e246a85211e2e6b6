"""Keep deploys of an environment back, and let them go on.

There is no point of no return: what serves is not touched. A run that is at work is never cut; the
hold is refused then, and says who is at work.
"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.hold import keep_back, let_go


@flow(name="hold", flow_run_name="hold {environment}", persist_result=True)
def hold(reason: str, environment: str = "production", actor: str = "") -> State[None]:
    """Refuse every deploy and rollback of an environment until it is released.

    Args:
        reason: Why; shown to everybody who is refused.
        environment: Name of a file in `deployments/`.
        actor: Who; empty names the run.

    Returns:
        A state that says who holds it, since when and why.

    Raises:
        LeaseHeld: When a run is at work, or somebody holds it already; names them.
        RolloutError: With what is true, what state was left and what to do next.
    """
    return Completed(message=keep_back(environment, reason, actor))


@flow(name="release-hold", flow_run_name="release {environment}", persist_result=True)
def release_hold(environment: str = "production") -> State[None]:
    """Let deploys and rollbacks of an environment go on.

    Args:
        environment: Name of a file in `deployments/`.

    Returns:
        A state that says who had held it; also when nobody had.

    Raises:
        RolloutError: With what is true, what state was left and what to do next.
    """
    return Completed(message=let_go(environment))
