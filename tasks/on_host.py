"""One further host of a target: it gets the release that the first one has, as a mapped task."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from rollout.decide.hosts import is_lost, judge_environment, lacks
from rollout.decide.releases import (
    next_release_number,
    release_on,
    release_to_return_to,
    serving_release,
)
from rollout.errors import Refused, RolloutError
from rollout.executors.clock import monotonic_s
from rollout.executors.files import read_environment
from rollout.model.activation import Activation
from rollout.model.finding import Refuse
from rollout.model.hosts import HostResult, HostSeen
from rollout.model.release import Release
from tasks.activate import activate, serve_former
from tasks.app_secrets import read_secrets, renewal
from tasks.diagnose import evidence_first
from tasks.lease import first_host, host_lease
from tasks.record import note_left
from tasks.retry import RETRIES, RETRY_DELAY_S, telling_of_earlier_tries, when_safe
from tasks.target import (
    bootstrap_plan,
    only,
    open_host,
    prepare,
    reach,
    read,
    read_unprepared,
    settings_of,
    tell,
)
from tasks.verify import demand_current, judge_host

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile


class _Folder:
    """A release's files as the first host has them, read once, by whichever host lacks them first.

    They hold secrets, so they cannot travel as a parameter of a task.
    """

    def __init__(self, read_files: Callable[[], tuple[RemoteFile, ...]]) -> None:
        self._read_files = read_files
        self._files: tuple[RemoteFile, ...] | None = None
        self._lock = threading.Lock()

    def files(self) -> tuple[RemoteFile, ...]:
        with self._lock:
            if self._files is None:
                self._files = self._read_files()
            return self._files


_FOLDER: ContextVar[_Folder | None] = ContextVar("folder of a release", default=None)


def first_block(environment: str) -> str:
    """Return the block of a target's first host, by which people name it; for flows."""
    return read_environment(environment).blocks.target_host


@contextmanager
def at_first(environment: str) -> Generator[None]:
    """Let everything inside, in tasks too, look at the first host alone, and not by the balancer.

    Raises:
        HostError: When it cannot be reached.
    """
    settings = read_environment(environment)
    with reach(settings) as host, only(settings.blocks.target_host, host):
        yield


@contextmanager
def at_further(block: str) -> Generator[Host]:
    """Yield a further host, which everything inside, in tasks too, takes for the environment.

    An error that leaves the block says which host it is about.

    Args:
        block: The host's block.

    Raises:
        HostError: When it cannot be reached.
    """
    try:
        with open_host(block) as host, only(block, host):
            yield host
            tell(f"{host.round_trips} round trips to {block}")
    except RolloutError as error:
        raise error.on(block) from error


@contextmanager
def folder_of(release: Release, environment: str) -> Generator[None]:
    """Let the hosts that a release comes to inside have its files as the first host has them."""
    settings = read_environment(environment)
    with reach(settings) as host:
        folder = _Folder(partial(_files_on, host, release, settings))
        token = _FOLDER.set(folder)
        try:
            yield
        finally:
            _FOLDER.reset(token)


@task(
    name="preflight: host",
    task_run_name="preflight: {block}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def preflight_host(block: str, environment: str) -> HostSeen:
    """Return what releases a further host has.

    Raises:
        RolloutError: Whatever keeps a release from being put there; nothing was changed.
    """
    with at_further(block) as host:
        application = settings_of(environment).application
        if not bootstrap_plan(host, application).is_empty:
            return HostSeen()
        facts = read(host, application)
    serving = release_on(facts, serving_release(facts, application.service))
    return HostSeen(next_release_number(facts) - 1, serving.version.sha if serving else "")


@task(
    name="deploy-prod: host",
    task_run_name="deploy-prod: {block}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def deploy_to(
    block: str, release: Release, environment: str, leaves: int | None = None
) -> HostResult:
    """Make a release serve on a further host, and prove it there; a refused one is left again.

    Args:
        block: The host's block.
        release: What serves on the first host.
        environment: The environment.
        leaves: The number of the release that a rollback leaves for it; None where none is.

    Raises:
        VerificationFailed: When it was not seen serving there; `left` says what serves now.
        CommandFailed: When a step failed; `left` says what serves.
        HostError: When the host was lost; `left` says what is known.
    """
    began_s = monotonic_s()
    with telling_of_earlier_tries(), at_further(block) as host:
        settings = settings_of(environment)
        with host_lease(host, settings, release.reason):
            activation = _serve(release, leaves, host, settings)
            return HostResult(
                block,
                "serves",
                activation.cut_off,
                former=activation.former,
                steps=activation.steps,
                round_trips=host.round_trips,
                seconds=monotonic_s() - began_s,
            )


@task(name="deploy-prod: return host", task_run_name="return {block}", cache_policy=NO_CACHE)
def return_host(block: str, release: Release, former: int | None, environment: str) -> HostResult:
    """Let the release from before serve again on a further host, because of what another one did.

    Args:
        block: The host's block.
        release: What is left.
        former: The number of the release from before, as far as it is known.
        environment: The environment.

    Raises:
        HostError: When the host was lost.
    """
    with at_further(block) as host:
        settings = settings_of(environment)
        with host_lease(host, settings, release.reason):
            facts = read(host, settings.application)
            if serving_release(facts, settings.application.service) != release.number:
                return HostResult(block, "returned", "It does not serve the release.", former)
            left = _left(facts, release, settings)
            done = serve_former(host, settings, left, "it was refused on another host")
    return HostResult(block, "returned" if done.serves else "kept", done.told, left.former)


@task(
    name="verify: host",
    task_run_name="verify: {block}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def verify_host(block: str, release: Release, environment: str) -> HostResult:
    """See to it that a further host serves what the first one does; nothing is changed.

    Raises:
        VerificationFailed: When it does not, with all that was seen.
        Refused: When it has no release.
        HostError: When it cannot be reached.
    """
    with at_further(block) as host:
        settings = settings_of(environment)
        demand_current(read(host, settings.application), host)
        judge_host(release, settings, host)
        return HostResult(block, "serves", round_trips=host.round_trips)


def _serve(release: Release, leaves: int | None, host: Host, settings: Environment) -> Activation:
    """Make a release serve on a host and prove it there, or let the one before serve again."""
    with _seen_first(settings.name, release):
        facts = _prepared(host, release, leaves, settings)
        files = _lacking(facts, release)
    try:
        with _seen_first(settings.name, release):
            activation = activate(host, facts, release, files, settings)
            note_left(host, facts, leaves, release, settings)
            judge_host(release, settings, host)
    except RolloutError as failure:
        if is_lost(failure):
            raise
        raise _gone_back(failure, _left(facts, release, settings), host, settings) from failure
    return activation


def _prepared(host: Host, release: Release, leaves: int | None, settings: Environment) -> HostFacts:
    """Return what a host has, once a release can be put there.

    One that has all of a release that is gone back to lacks nothing, least of all room for it.
    """
    if leaves is not None:
        there = read_unprepared(host, settings.application)
        if release.number in there.releases and release.image.reference in there.images:
            return there
    prepare(host, settings.application)
    return read(host, settings.application)


def _left(facts: HostFacts, release: Release, settings: Environment) -> Activation:
    """Return what is left for what, as the host's facts of before know it."""
    service = settings.application.service
    former = release_to_return_to(facts, release, service, str(flow_run.id))
    return Activation(release, former, steps=0, round_trips=0, seconds=0.0)


def _gone_back(
    failure: RolloutError, left: Activation, host: Host, settings: Environment
) -> RolloutError:
    """Return a refusal with what serves on the host afterwards.

    Where the release did not come to serve, the error says already what does. A host on which it
    was well before this run, or that has no other, is left as it is.
    """
    number, service = left.release.number, settings.application.service
    if serving_release(read(host, settings.application), service) != number:
        return failure
    if left.former is None:
        told = f"Release {number} is left as it is there: there is no earlier one to go back to."
        refusal = failure.leaving(told)
        refusal.is_kept = True
        return refusal
    done = serve_former(host, settings, left)
    refusal = failure.leaving(done.told)
    refusal.is_kept = not done.serves
    return refusal


@contextmanager
def _seen_first(environment: str, release: Release) -> Generator[None]:
    """Let an error take along what is seen on its host; one that is lost shows nothing."""
    try:
        yield
    except RolloutError as error:
        if is_lost(error):
            raise
        with evidence_first(environment, release):
            raise


def _lacking(facts: HostFacts, release: Release) -> tuple[RemoteFile, ...]:
    """Return what a host lacks of a release: as a rule all of it, or nothing.

    Raises:
        Refused: When its number is another release's there.
    """
    lacking = lacks(facts, release)
    if isinstance(lacking, Refuse):
        raise Refused("putting the release there", lacking.findings)
    folder = _FOLDER.get()
    return folder.files() if folder and lacking else ()


def _files_on(host: Host, release: Release, settings: Environment) -> tuple[RemoteFile, ...]:
    """Return the files of a release that a host has, its secrets read anew at its own versions.

    Raises:
        Refused: When the environment's file says other variables than the release has.
    """
    with first_host():
        facts = read(host, settings.application)
    known = release_on(facts, release.number) or release
    secrets = read_secrets(settings, known.secret_versions)
    with first_host():
        files = renewal(host, settings, known, secrets)(known)
    verdict = judge_environment(facts, known, files)
    if isinstance(verdict, Refuse):
        raise Refused("putting the release there", verdict.findings)
    return files
