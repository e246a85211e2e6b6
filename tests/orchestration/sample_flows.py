"""Flows with the parameters of the real ones and nothing behind them."""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from rollout.errors import VerificationFailed

FAULTY = "f" * 40
UNTIL_PRESENT = "e" * 40


@task(task_run_name="quality")
def quality(commit: str) -> str:
    get_run_logger().info("looking at %s", commit)
    return commit


@task(task_run_name="wait")
def wait_for(path: str) -> None:
    """Wait for a file, as long as a deploy might."""
    while path and not Path(path).exists():
        time.sleep(0.1)


@task(task_run_name="verify", cache_policy=NO_CACHE)
def verify(commit: str, path: str) -> None:
    """Fail for one commit, and for another one until a file is there."""
    if commit == FAULTY or (commit == UNTIL_PRESENT and not Path(path).exists()):
        raise VerificationFailed(
            "version 1 answers, not 2",
            left="Release 1 is still serving.",
            next_step="Read the log above and deploy again.",
        )


@flow(name="deploy", flow_run_name="deploy {commit} to {environment}")
def deploy(commit: str, environment: str, reason: str = "", actor: str = "") -> str:
    """Deploy nothing; `reason` may name a file to wait for."""
    quality(commit)
    wait_for(reason)
    verify(commit, actor)
    return f"{commit} by {actor}"


@flow(name="rollback", flow_run_name="rollback {environment} to {version}")
def rollback(environment: str, version: str = "", reason: str = "", actor: str = "") -> str:
    """Roll nothing back."""
    get_run_logger().info("rolling back because %s", reason)
    return version
