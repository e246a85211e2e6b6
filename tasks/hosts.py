"""The further hosts of a target, for flows: a task for each of them, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from httpx import HTTPError
from prefect import get_run_logger, unmapped
from prefect.artifacts import create_table_artifact
from prefect.exceptions import PrefectException
from prefect.task_runners import ThreadPoolTaskRunner

from rollout.decide.defects import of_the_domain
from rollout.decide.hosts import (
    batches_of,
    behind,
    goes_back,
    is_lost,
    judge_level,
    result_of,
    unreached,
)
from rollout.errors import Refused, RolloutError
from rollout.executors.files import read_environment
from rollout.model.finding import Refuse
from rollout.model.hosts import HostResult, HostSeen, HostsSeen, Outcome
from rollout.render.hosts import host_rows
from tasks.on_host import deploy_to, preflight_host, return_host, verify_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect import Task

    from rollout.model.activation import Activation
    from rollout.model.migrated import Planned
    from rollout.model.release import Release, Version


def batches(environment: str, *, at_once: bool = False) -> tuple[tuple[str, ...], ...]:
    """Return the further hosts as they are switched, those of a batch together; for flows.

    Args:
        environment: The environment.
        at_once: Whether all of them are one batch.
    """
    hosts = read_environment(environment).hosts
    return ((hosts.further,) if hosts.further else ()) if at_once else batches_of(hosts)


def preflight_hosts(environment: str) -> HostsSeen:
    """Return what the further hosts are like before anything is changed; for flows.

    Raises:
        RolloutError: When one is reached and a release cannot be put there.
    """
    further = read_environment(environment).hosts.further
    told = _mapped(preflight_host, further, environment=environment)
    failed = {block: one for block, one in told.items() if isinstance(one, RolloutError)}
    for one in failed.values():
        if not is_lost(one):
            raise one
    seen = {block: one for block, one in told.items() if isinstance(one, HostSeen)}
    return HostsSeen(
        max((one.taken for one in seen.values()), default=0),
        tuple((block, one.version) for block, one in seen.items() if one.version),
        tuple((block, one.true.splitlines()[0]) for block, one in failed.items()),
    )


def demand_hosts(environment: str) -> HostsSeen:
    """Return what the further hosts are like, once each was reached; for flows.

    Raises:
        RolloutError: When one cannot be reached, or a release cannot be put there; nothing was
            changed.
    """
    seen = preflight_hosts(environment)
    if seen.unreached:
        raise unreached(seen)
    return seen


def demand_level(
    seen: HostsSeen, deployed: Version | None, planned: Planned, accept: tuple[str, ...]
) -> None:
    """See to it that migrations meet the same code on every host of the target; for flows.

    Args:
        seen: What the further hosts serve.
        deployed: What the first host serves; None before its first release.
        planned: What is pending.
        accept: What the request takes upon itself.

    Raises:
        Refused: When a host serves other code than the first one; nothing was changed.
    """
    verdict = judge_level(seen, deployed, planned.tags, accept)
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s", finding.rule, finding.consequence)
    if isinstance(verdict, Refuse):
        raise Refused("migrating", verdict.findings)


def deploy_batch(
    batch: tuple[str, ...], release: Release, environment: str, leaves: int | None = None
) -> tuple[tuple[HostResult, ...], RolloutError | None]:
    """Return what came of a release on the hosts of a batch, all at once; for flows.

    Beside it, the first refusal where that takes every host back; None where the others go on.

    Args:
        batch: The hosts' blocks.
        release: What serves on the first host.
        environment: The environment.
        leaves: The number of the release that a rollback leaves for it; None where none is.
    """
    told = _mapped(
        deploy_to, batch, release=unmapped(release), environment=environment, leaves=leaves
    )
    results = _results(told)
    if not goes_back(results, read_environment(environment).hosts):
        return results, None
    failed = [one for one in told.values() if isinstance(one, RolloutError) and not is_lost(one)]
    return results, failed[0]


def return_hosts(
    results: tuple[HostResult, ...], release: Release, environment: str
) -> tuple[HostResult, ...]:
    """Return what the further hosts came to, once those that were switched have gone back.

    For flows. One that cannot be reached keeps nobody else from going back. One that was lost is
    asked too: it may have been switched before, and be there again.

    Args:
        results: What came of the release on the hosts so far.
        release: What is left.
        environment: The environment.
    """
    switched = tuple(one for one in results if one.outcome in ("serves", "lost", "kept"))
    told = _mapped(
        return_host,
        tuple(one.block for one in switched),
        release=unmapped(release),
        former=[one.former for one in switched],
        environment=environment,
    )
    gone = {block: _kept(block, one) for block, one in told.items()}
    return tuple(gone.get(one.block, one) for one in results)


def verify_hosts(release: Release, environment: str) -> tuple[HostResult, ...]:
    """Return how the further hosts serve a release; nothing is changed. For flows."""
    further = read_environment(environment).hosts.further
    return _results(
        _mapped(verify_host, further, release=unmapped(release), environment=environment)
    )


def show_hosts(
    activation: Activation,
    results: tuple[HostResult, ...],
    environment: str,
    outcome: Outcome = "serves",
) -> None:
    """Show what came of a release on each host of the target, beside the run.

    Args:
        activation: What came of it on the first host.
        results: On the others.
        environment: The environment.
        outcome: What the first host came to.
    """
    settings, release = read_environment(environment), activation.release
    first = HostResult(
        settings.blocks.target_host,
        outcome,
        former=activation.former,
        steps=activation.steps,
        round_trips=activation.round_trips,
        seconds=activation.seconds,
    )
    try:
        create_table_artifact(
            key=f"hosts-{environment}",
            table=host_rows(release, (first, *results)),
            description=f"release {release.number} on the hosts of {environment}",
        )
    except (PrefectException, HTTPError) as error:
        get_run_logger().warning("what came of each host was not shown: %s", error)


def demand_everywhere(release: Release, results: tuple[HostResult, ...], environment: str) -> None:
    """See to it that a release that serves does so on every host of the target; for flows.

    Raises:
        HostsBehind: When it does not, with the hosts' names.
    """
    missing = behind(release, results, read_environment(environment).verify.url)
    if missing:
        raise missing


def _results(told: Mapping[str, object]) -> tuple[HostResult, ...]:
    return tuple(
        one if isinstance(one, HostResult) else result_of(block, of_the_domain(one))
        for block, one in told.items()
    )


def _mapped(work: Task[..., Any], blocks: tuple[str, ...], **parameters: Any) -> dict[str, Any]:
    """Return what a task came to on each host, all at once: its result, or the error it ended by.

    The flow's own runner has fewer threads than a target may have hosts.
    """
    if not blocks:
        return {}
    threads: Any = ThreadPoolTaskRunner[Any](max_workers=len(blocks))
    with threads as runner:
        futures = runner.map(work, {"block": list(blocks), **parameters})
        came = [_result(future) for future in futures]
    return {
        block: of_the_domain(one) if isinstance(one, BaseException) else one
        for block, one in zip(blocks, came, strict=True)
    }


def _result(future: Any) -> Any:
    """Return what a task came to; whatever it ended by keeps no other host's from being known."""
    try:
        return future.result(raise_on_failure=False)
    except Exception as error:  # noqa: BLE001 - a result that cannot be read is one host's failure
        return error


def _kept(block: str, one: object) -> HostResult:
    """Return what a host came to that should have gone back: an error means that nobody knows."""
    if isinstance(one, HostResult):
        return one
    error = of_the_domain(one)
    return replace(result_of(block, error), outcome="lost" if is_lost(error) else "kept")
