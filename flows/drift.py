"""Look whether the environment is still what its releases and its ledger say; nothing is changed.

There is no point of no return, and no lease is needed; while a run changes the target it looks at
nothing. A difference is told once: the run that finds it fails as `Drifted`, which somebody hears
of, and later ones go well and name it still.
"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from rollout.decide.strayed import told_of
from rollout.model.drift import Unlooked
from tasks.diagnose import explaining
from tasks.drift import look_for_drift


@flow(name="drift", flow_run_name="drift {environment}", persist_result=True)
def drift(environment: str = "production") -> State[None]:
    """Compare files, containers, images, engine, schema, secrets, certificate and tags.

    Args:
        environment: Name of a file in `deployments/`.

    Returns:
        A state that says in one sentence what was found: `Completed`, `Skipped` beside a run that
        changes the target, `NothingDeployed` before the first release, `Drifted` (a failed one)
        when something differs that was not told yet.

    Raises:
        RolloutError: When the host cannot be read, or has lost its release.
    """
    with explaining(environment):
        found = look_for_drift(environment)
    if isinstance(found, Unlooked):
        return Completed(name=found.state, message=found.why)
    if found.new:
        return Failed(name="Drifted", message=str(told_of(found, environment)))
    known = "; ".join(f"{check.name}: {check.seen}" for check in found.known)
    told = (
        f"still so, as told before: {known}"
        if known
        else f"all {len(found.checks)} things are well"
    )
    return Completed(message=f"release {found.release} of {environment}: {told}")
