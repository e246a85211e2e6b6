"""Flows with the parameters of the real ones and nothing behind them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from rollout.errors import CancelAsked, HeldBack, RolloutError, VerificationFailed
from rollout.executors.process import run_local
from rollout.model.activation import Return, Strategy
from rollout.model.command import Command
from tasks.ask import Question, ask
from tasks.cancelling import from_first_change_on, until_first_change
from tasks.ending import ended, taken_back

FAULTY = "f" * 40
UNTIL_PRESENT = "e" * 40
HELD_BACK = "d" * 40
TAKEN_BACK = "c" * 40
NO = "it is not promoted, and nothing is changed"
ASK_S = 300


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
def deploy(
    commit: str,
    environment: str,
    reason: str = "",
    actor: str = "",
    accept: tuple[str, ...] = (),
    dry_run: bool = False,
) -> str:
    """Deploy nothing; `reason` may name a file to wait for."""
    get_run_logger().info("accepting %s, dry run: %s", "|".join(accept), dry_run)
    quality(commit)
    wait_for(reason)
    verify(commit, actor)
    return f"{commit} by {actor}"


@flow(name="deploy", flow_run_name="deploy {commit} to {environment}")
def ending(commit: str, environment: str) -> State[None]:
    """Deploy nothing, and end as a deploy that is held back, or whose release is refused."""
    try:
        if commit == HELD_BACK:
            raise HeldBack("the target is held back by ada", next_step="Ask ada.")
        try:
            verify(FAULTY, "")
        except RolloutError as failure:
            told = "Release 1 is serving again."
            raise taken_back(failure, Return(told, serves=commit == TAKEN_BACK)) from failure
    except RolloutError as error:
        return ended(error)
    return Completed(message=commit)


@flow(name="promote", flow_run_name="promote to {environment}")
def promote(environment: str) -> str:
    """Promote nothing, once somebody has said whether it shall."""
    shall = f"Shall release 3 of staging go to {environment}?"
    return ask(Question(shall, f"# What changes\n\n{shall}", NO), ASK_S, "refuse").told


@flow(name="rollback", flow_run_name="rollback {environment} to {to}")
def rollback(  # noqa: PLR0917 - as the real one, each is a field of the form
    environment: str,
    to: str = "",
    strategy: Strategy = "auto",
    reason: str = "",
    actor: str = "",
    accept: tuple[str, ...] = (),
    dry_run: bool = False,
) -> str:
    """Roll nothing back, and refuse it to nobody in particular."""
    get_run_logger().info("rolling back because %s", reason)
    if to == FAULTY:
        verify(to, actor)
    get_run_logger().info("by %s, accepting %s, dry run: %s", strategy, "|".join(accept), dry_run)
    return to


@task(task_run_name="check", cache_policy=NO_CACHE)
def check(folder: str) -> None:
    """Run a program that writes its pid, and ends when the file `checked` is there."""
    words = 'echo $$ >pid; until [ -e checked ]; do sleep 0.1; done; echo "$?" >ended'
    run_local(Command(("sh", "-c", words)), cwd=Path(folder), env={}, log=get_run_logger().info)


@task(task_run_name="change", cache_policy=NO_CACHE)
def change_target(folder: str, fails: bool) -> None:
    """Say that it has begun, and end when the file `changed` is there."""
    Path(folder, "changing").touch()
    while not Path(folder, "changed").exists():
        time.sleep(0.1)
    if fails:
        raise VerificationFailed(
            "version 1 answers, not 2",
            left="Release 1 is serving again.",
            next_step="Read the log above and deploy again.",
        )


@flow(name="change")
def change(folder: str, fails: bool = False, before: str = "") -> State[Any]:
    """Check something in a thread, then change something, as `deploy` does.

    Args:
        folder: Where the files lie that it waits for and writes.
        fails: Whether the change fails.
        before: A file to wait for between the two; empty for none.
    """
    try:
        with until_first_change():
            check.submit(folder).result()
            while before and not Path(before).exists():
                time.sleep(0.1)
            with from_first_change_on() as going_on:
                change_target(folder, fails)
            return Completed(message=going_on.account("release 2 serves"))
    except CancelAsked as asked:
        return Cancelled(message=str(asked))
    finally:
        Path(folder, "left").touch()
