"""quality: the application's own checks of one commit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from rollout.config import Check
from rollout.decide.manifest import findings_told, judge_manifest
from rollout.decide.quality import (
    CheckResult,
    check_environment,
    quality_failure,
    report_rows,
)
from rollout.executors.checks import run_check
from rollout.executors.containers import service_containers
from rollout.executors.files import read_environment
from rollout.executors.manifest import read_places
from rollout.manifest import CHECK, Manifest
from rollout.model.finding import Refuse
from rollout.model.source import Source
from tasks.order import after
from tasks.source import at

if TYPE_CHECKING:
    from prefect.context import TaskRunContext
    from prefect.futures import PrefectFuture

    from rollout.config import Environment


# What a pass depends on beside the code.
_CHECKED_BY = {"quality", "manifest", "secrets", "settings", "build", "application", "github"}


def _tree_and_checks(_context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Return the key under which a pass is remembered: the same content, checked the same way."""
    source: Source = parameters["source"]
    settings = read_environment(parameters["environment"])
    asked = settings.model_dump_json(include=_CHECKED_BY)
    return f"quality-{source.tree}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


@task(name="quality", task_run_name="quality", cache_key_fn=_tree_and_checks)
def quality(source: Source, environment: str) -> tuple[CheckResult, ...]:
    """Run every check; a tree that passed these checks before comes back as `Cached`.

    Raises:
        QualityFailed: With the last lines of each check that did not pass.
        EngineError: When a service container cannot be stood up.
    """
    log = get_run_logger()
    settings = read_environment(environment)
    asked = settings.quality
    here = at(source.version.sha, environment, purpose="quality")
    own = declared(here, settings)
    with service_containers(
        asked.services, str(flow_run.id), log.info, engine_address=asked.engine_address
    ) as endpoints:
        futures: dict[str, PrefectFuture[CheckResult]] = {}
        for check in asked.checks:
            named = one_check.with_options(
                name=f"quality: {check.name}", task_run_name=f"quality: {check.name}"
            )
            submit = after((futures[need] for need in check.needs), named)
            variables = check_environment(asked, check, endpoints)
            futures[check.name] = submit(check, here.path, variables)
        results = (*own, *(_result(name, future) for name, future in futures.items()))
    publish(source, results)
    if failure := quality_failure(results):
        raise failure
    return results


def declared(source: Source, settings: Environment) -> tuple[CheckResult, ...]:
    """Hold what the commit's files name against the environment's file; no row where none is named.

    Raises:
        ConfigInvalid: When a file cannot be understood.
        CommandFailed: When git cannot look.
    """
    if settings.manifest == Manifest():
        return ()
    verdict = judge_manifest(read_places(source, settings), settings)
    told = findings_told(verdict.findings)
    if isinstance(verdict, Refuse):
        return (CheckResult(CHECK, "failed", tail=told),)
    if told:
        get_run_logger().warning("%s:\n%s", CHECK, told)
    return (CheckResult(CHECK, "passed"),)


@task(cache_policy=NO_CACHE)
def one_check(check: Check, path: str, env: dict[str, str]) -> CheckResult:
    """Run one check; one that does not pass raises, so that nothing that needs it starts.

    Raises:
        CheckFailed: With what became of it.
    """
    result = run_check(check, cwd=Path(path), env=env, log=get_run_logger().info)
    if result.state != "passed":
        raise CheckFailed(result)
    return result


class CheckFailed(Exception):
    """Raised when one check did not pass; carries its result to the report."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(f"{result.name} {result.state}\n{result.tail}")
        self.result = result


def publish(source: Source, results: tuple[CheckResult, ...]) -> None:
    """Show the checks as a table beside the run."""
    create_table_artifact(
        key="quality",
        table=[
            {"check": name, "state": state, "seconds": seconds}
            for name, state, seconds in report_rows(results)
        ],
        description=f"quality of {source.version.short}: {source.subject}",
    )


def _result(name: str, future: PrefectFuture[CheckResult]) -> CheckResult:
    future.wait()
    outcome = future.state.result(raise_on_failure=False)
    if isinstance(outcome, CheckResult):
        return outcome
    return outcome.result if isinstance(outcome, CheckFailed) else CheckResult(name, "not run")
