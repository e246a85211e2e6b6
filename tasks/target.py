"""The target's host as tasks use it: reach it, prepare it, read it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from prefect import get_run_logger

from blocks import load_target_host
from rollout.commands.host import parse_host, read_host_command
from rollout.commands.machine import parse_machine, read_machine_command
from rollout.decide.bootstrap import decide_bootstrap
from rollout.decide.hosts import at_host
from rollout.errors import Refused
from rollout.executors.carry_out import carry_out
from rollout.executors.files import read_environment
from rollout.executors.printing import PrintingHost
from rollout.model.finding import Refuse
from rollout.model.host import HostFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rollout.config import Application, Environment
    from rollout.executors.host import Host
    from rollout.model.host import MachineFacts
    from rollout.model.plan import Plan


_KEPT: ContextVar[Host | None] = ContextVar("kept host", default=None)
_ONLY: ContextVar[str] = ContextVar("only host", default="")
_OPENED_BY: ContextVar[Callable[[str], Host] | None] = ContextVar("opens hosts", default=None)


@contextmanager
def reach(settings: Environment) -> Generator[Host]:
    """Yield the target's host: over the run's one connection, or else over one of its own.

    Raises:
        HostUnreachable: When no session could be opened.
        HostKeyChanged: When the host shows another key than its block names.
    """
    kept = _KEPT.get()
    if kept is not None:
        yield kept
        return
    with open_host(settings.blocks.target_host) as host:
        yield host
        tell(f"{host.round_trips} round trips to the host")


def open_host(block: str) -> Host:
    """Return the host that a block is about, not yet connected; its lines go to the run's log.

    Raises:
        HostKeyUnknown: When Google is asked for its key and does not tell it.
    """
    opens = _OPENED_BY.get()
    return opens(block) if opens else load_target_host(block).executor(log=tell)


@contextmanager
def opened_by(opens: Callable[[str], Host]) -> Generator[None]:
    """Let every host inside, in tasks too, be opened by something else than its block.

    Args:
        opens: Called with a block's name; returns the host, not yet connected.
    """
    token = _OPENED_BY.set(opens)
    try:
        yield
    finally:
        _OPENED_BY.reset(token)


@contextmanager
def keep(host: Host) -> Generator[None]:
    """Let every `reach` inside, in tasks too, take this host."""
    token = _KEPT.set(host)
    try:
        yield
    finally:
        _KEPT.reset(token)


@contextmanager
def only(block: str, host: Host) -> Generator[None]:
    """Let everything inside, in tasks too, take one host of several for the whole environment."""
    token = _ONLY.set(block)
    try:
        with keep(host):
            yield
    finally:
        _ONLY.reset(token)


def settings_of(environment: str) -> Environment:
    """Return an environment, or the one of its hosts that a block `only` is about.

    Raises:
        ConfigInvalid: When there is no such environment.
    """
    settings = read_environment(environment)
    block, host = _ONLY.get(), _KEPT.get()
    return at_host(settings, block, host.address.host) if block and host else settings


def tell(text: str) -> None:
    """Write into the log of whichever task or flow is at work."""
    get_run_logger().info(text)


def read_machine(host: Host, application: Application) -> MachineFacts:
    """Return what the machine is, whether it was prepared or not."""
    command = read_machine_command(application.directory, application.project, application.service)
    answer = host.check(
        command, "the host could not be read", next_step="Log in to the host and look."
    )
    return parse_machine(answer.stdout)


def bootstrap_plan(host: Host, application: Application) -> Plan:
    """Return what the machine lacks before a release can be put on it; empty on a prepared one.

    Raises:
        Refused: When it lacks what only people may give: an engine, disk space, the right to sudo.
    """
    return plan_preparing(read_machine(host, application), host, application)


def plan_preparing(machine: MachineFacts, host: Host, application: Application) -> Plan:
    """Return what a machine that was read lacks; raises as `bootstrap_plan`."""
    decided = decide_bootstrap(machine, application, host.address.user)
    if isinstance(decided, Refuse):
        raise Refused(f"deploying to {host.address.host}", decided.findings)
    return decided


def prepare(host: Host, application: Application) -> None:
    """See to it that a release can be put on the machine; a prepared one is left as it is."""
    plan = bootstrap_plan(host, application)
    carry_out(plan, host)
    if not plan.is_empty:
        # A group that the login has joined counts for new sessions only.
        host.reconnect()


def show(*plans: Plan) -> None:
    """Tell what plans would run, and run nothing: the dry run."""
    printing = PrintingHost(tell)
    for plan in plans:
        carry_out(plan, printing)


def read_unprepared(host: Host, application: Application) -> HostFacts:
    """Return what a machine has that is not prepared; nothing where the directory is not there.

    One that somebody else has made serve has an engine that the login may not ask yet.
    """
    command = read_host_command(application.directory, application.project, as_root=True)
    answer = host.run(command)
    return parse_host(answer.stdout) if answer.ok else HostFacts()


def read(host: Host, application: Application) -> HostFacts:
    """Return what the application has on the host.

    Raises:
        CommandFailed: When the host was never prepared, or its engine does not answer.
    """
    command = read_host_command(application.directory, application.project)
    answer = host.check(
        command,
        "the host could not be read",
        next_step="Deploy to it first, or look at its engine.",
    )
    return parse_host(answer.stdout)
