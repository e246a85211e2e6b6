"""The right to change a target, held by a run from before the build until its end."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import uuid4

from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from rollout.errors import HostUnreachable, LeaseLost, OutcomeUnknown, Superseded
from rollout.executors.clock import now_utc
from rollout.executors.files import read_environment
from rollout.executors.lease import hold_lease
from rollout.model.layout import Layout
from rollout.model.lease import Claim
from tasks.record import gives_way
from tasks.target import keep, reach, tell

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.executors.lease import Lease

WAIT_S = 1800.0
"""How long a run waits for its turn, in seconds: longer than another one may take to bake."""
HOST_WAIT_S = 120.0
"""How long a further host may take to be free of a run that was cut, in seconds."""

_HELD: ContextVar[Lease | None] = ContextVar("held lease", default=None)


@contextmanager
def target_lease(
    environment: str, reason: str = "", *, supersedes: bool = False
) -> Generator[None]:
    """Hold the target's lease; a second run waits here, whatever server it was started from.

    Meanwhile all tasks of the run share one connection to the host, and its changing commands are
    run only while the lease is held.

    Args:
        environment: The environment whose target is to be changed.
        reason: What for.
        supersedes: Whether this is a deploy, whose place a newer one takes while it has changed
            nothing.

    Raises:
        ConfigInvalid: When there is no such environment.
        LeaseHeld: When it was not free within half an hour, or a person keeps deploys back.
        Superseded: When a newer deploy came while this one waited.
        HostError: When the host cannot be used.
    """
    settings = read_environment(environment)
    layout = Layout(settings.application.directory)
    claim = _claim(reason, supersedes=supersedes)
    with (
        reach(settings) as host,
        keep(host),
        hold_lease(host, layout, claim, wait_s=WAIT_S, environment=environment) as lease,
    ):
        token = _HELD.set(lease)
        try:
            yield
        finally:
            _HELD.reset(token)


@contextmanager
def host_lease(host: Host, settings: Environment, reason: str) -> Generator[None]:
    """Hold the lease of a further host of the target, for as long as this run changes it.

    It keeps a command of a run that was cut from going on beside this one's. The right to change
    the target is the first host's lease, which this run has to hold as well.

    Raises:
        LeaseLost: When somebody else has the target by now, or its first host is gone.
        LeaseHeld: When what was begun there does not end.
        HostError: When the host cannot be used.
    """
    with first_host():
        assure_lease()
    layout = Layout(settings.application.directory)
    claim, name = _claim(reason), settings.name
    with hold_lease(host, layout, claim, wait_s=HOST_WAIT_S, environment=name):
        yield


@contextmanager
def first_host() -> Generator[None]:
    """Tell a first host that is lost from the further host that is at work.

    Raises:
        LeaseLost: When the block loses it: whatever is done to the target is done under its lease.
    """
    try:
        yield
    except (HostUnreachable, OutcomeUnknown) as error:
        raise LeaseLost(
            f"the first host of the target cannot be reached any more: {error.true}",
            left="Nothing was changed on this host.",
            next_step="See to the first host, then retry this run.",
        ) from error


def before_first_change(environment: str) -> None:
    """Let a newer deploy take this run's place, as long as nothing of its own serves there.

    Args:
        environment: The environment, in whose ledger a retried run says that it gave way.

    Raises:
        Superseded: When one waits.
        LeaseLost: When somebody else has the target by now.
    """
    lease = _HELD.get()
    if lease is None:
        return
    lease.assure()
    try:
        lease.stand_aside()
    except Superseded as newer:
        if gives_way(environment, newer.true):
            raise
        tell("its release serves already: the newer deploy waits until it was seen to")


def assure_lease() -> None:
    """See to it that this run has the lease still, and that nothing of an earlier try goes on.

    To be called before facts are read that a change is decided from, and before a change that the
    host cannot fence: the database's.

    Raises:
        LeaseLost: When somebody else has it, or has had it.
        HostError: When the host cannot be asked.
    """
    lease = _HELD.get()
    if lease is not None:
        lease.assure()


def holds_lease() -> bool:
    """Return whether this run has the right to change the target."""
    return _HELD.get() is not None


def _claim(reason: str, *, supersedes: bool = False) -> Claim:
    return Claim(
        token=uuid4().hex,
        owner=flow_run.name or "a run",
        reason=reason,
        link=flow_run.ui_url or "",
        asked_at=_asked_at(),
        supersedes=supersedes,
    )


def _asked_at() -> str:
    """Return when the run was made, so that a retried one does not count as newer."""
    context = FlowRunContext.get()
    made = context.flow_run.created if context and context.flow_run else None
    return made.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if made else now_utc()
