"""Keeping deploys back: by a person, from a run."""

from __future__ import annotations

from uuid import uuid4

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from rollout.executors import hold
from rollout.executors.files import read_environment
from rollout.model.layout import Layout
from rollout.model.lease import Claim
from tasks.target import reach


@task(name="hold", task_run_name="hold", cache_policy=NO_CACHE)
def keep_back(environment: str, reason: str, actor: str) -> str:
    """Keep deploys and rollbacks back until somebody releases them; return who does, as a sentence.

    A run that has the target's lease keeps them back from its own end on.

    Args:
        environment: The environment.
        reason: Why; shown to everybody who is refused.
        actor: Who; empty names the run.

    Raises:
        LeaseHeld: When another run is at work, or somebody holds it already; names them.
        HostError: When the host cannot be used.
    """
    settings = read_environment(environment)
    layout = Layout(settings.application.directory)
    claim = Claim(uuid4().hex, actor or flow_run.name or "a run", reason, flow_run.ui_url or "")
    with reach(settings) as host:
        if host.fence is None:
            holder = hold.hold(host, layout, claim, environment, wait_s=0, for_s=0)
        else:
            holder = hold.hold_within(host, layout, claim)
    free = f"bin/release-hold --environment {environment} lets deploys go on"
    told = f"{environment} is held by {holder.describe()}; {free}"
    get_run_logger().info(told)
    return told


@task(name="release hold", task_run_name="release hold", cache_policy=NO_CACHE)
def let_go(environment: str) -> str:
    """Let deploys go on, and return a sentence that says who kept them back.

    Args:
        environment: The environment.

    Raises:
        HostError: When the host cannot be used.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        was = hold.release_hold(host, Layout(settings.application.directory))
    if was is None:
        return f"{environment} was not held: nothing to release"
    return f"{environment} is free again; it was held by {was.describe()}"
