"""What a run calls itself, from its parameters; Prefect asks once, when the run begins."""

from __future__ import annotations

from prefect.runtime import flow_run

from rollout.render import names


def deploy_name() -> str:
    """Return the name of a deploy's run."""
    asked = flow_run.parameters
    return names.deploy_name(asked["commit"], asked["environment"])


def rollback_name() -> str:
    """Return the name of a rollback's run."""
    asked = flow_run.parameters
    return names.rollback_name(asked["environment"], asked["to"])


def promote_name() -> str:
    """Return the name of a promotion's run."""
    asked = flow_run.parameters
    return names.promote_name(asked["environment"], asked["release"])
