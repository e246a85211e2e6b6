"""The further hosts of a target, for flows: a task for each of them, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from httpx import HTTPError
from prefect import get_run_logger, unmapped
from prefect.artifacts import create_table_artifact
from prefect.exceptions import PrefectException
from prefect.task_runners import ThreadPoolTaskRunner

from rollout.decide.hosts import batches_of, behind, goes_back, is_lost, result_of, unreached
from rollout.errors import ActivationFailed, RolloutError
from rollout.executors.files import read_environment
from rollout.model.hosts import HostResult, HostsSeen
from rollout.render.hosts import host_rows
from tasks.on_host import deploy_to, preflight_host, return_host, verify_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect import Task

    from rollout.model.activation import Activation
    from rollout.model.release import Release


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
    numbers = [one for one in told.values() if isinstance(one, int)]
    lost = tuple((block, one.true.splitlines()[0]) for block, one in failed.items())
    return HostsSeen(max(numbers, default=0), lost)


def demand_hosts(environment: str) -> int:
    """Return the highest number that a release has on a further host, once each was reached.

    For flows.

    Raises:
        RolloutError: When one cannot be reached, or a release cannot be put there; nothing was
            changed.
    """
    seen = preflight_hosts(environment)
    if seen.unreached:
        raise unreached(seen)
    return seen.taken


def deploy_batch(
    batch: tuple[str, ...], release: Release, environment: str
) -> tuple[tuple[HostResult, ...], RolloutError | None]:
    """Return what came of a release on the hosts of a batch, all at once; for flows.

    Beside it, the first refusal where that takes every host back; None where the others go on.
    """
    told = _mapped(deploy_to, batch, release=unmapped(release), environment=environment)
    results = _results(told)
    if not goes_back(results, read_environment(environment).hosts):
        return results, None
    failed = [one for one in told.values() if isinstance(one, RolloutError) and not is_lost(one)]
    return results, failed[0]


def return_hosts(
    results: tuple[HostResult, ...], release: Release, environment: str
) -> tuple[HostResult, ...]:
    """Return what the further hosts came to, once those that were switched have gone back.

    For flows. One that cannot be reached keeps nobody else from going back.

    Args:
        results: What came of the release on the hosts so far.
        release: What is left.
        environment: The environment.
    """
    switched = tuple(one for one in results if one.serves)
    told = _mapped(
        return_host,
        tuple(one.block for one in switched),
        release=unmapped(release),
        former=[one.former for one in switched],
        environment=environment,
    )
    gone = {one.block: one for one in _results(told)}
    return tuple(gone.get(one.block, one) for one in results)


def verify_hosts(release: Release, environment: str) -> tuple[HostResult, ...]:
    """Return how the further hosts serve a release; nothing is changed. For flows."""
    further = read_environment(environment).hosts.further
    return _results(
        _mapped(verify_host, further, release=unmapped(release), environment=environment)
    )


def show_hosts(
    activation: Activation, results: tuple[HostResult, ...], environment: str, *, returned: bool
) -> None:
    """Show what came of a release on each host of the target, beside the run.

    Args:
        activation: What came of it on the first host.
        results: On the others.
        environment: The environment.
        returned: Whether the first host serves the release from before again.
    """
    settings, release = read_environment(environment), activation.release
    first = HostResult(
        settings.blocks.target_host,
        "returned" if returned else "serves",
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
        one if isinstance(one, HostResult) else result_of(block, _domain(one))
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
        came = [future.result(raise_on_failure=False) for future in futures]
    return {
        block: _domain(one) if isinstance(one, BaseException) else one
        for block, one in zip(blocks, came, strict=True)
    }


def _domain(error: object) -> RolloutError:
    """Return an error of the domain; a defect of our own, or of Prefect's, is made one."""
    if isinstance(error, RolloutError):
        return error
    return ActivationFailed(
        f"the task ended by {type(error).__name__}",
        left="What it did on the host is unknown until that is read again.",
        next_step="Read the task's log, then retry this run.",
    )
