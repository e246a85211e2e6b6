"""What a target has, for what only looks: before the first release that is nothing, and well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks import load_app_database
from rollout.commands.host import ENGINE_SILENT, NOT_PREPARED, parse_host, read_host_command
from rollout.commands.lease import parse_lease, read_lease_command
from rollout.decide.standing import nothing_deployed
from rollout.errors import RolloutError
from rollout.executors.database import Database
from rollout.model.layout import Layout
from rollout.model.release import Release
from tasks.target import reach, read, read_machine, settings_of, tell
from tasks.verify import demand_current

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.host import HostFacts


@task(name="read current release", task_run_name="read current release", cache_policy=NO_CACHE)
def deployed_release(environment: str) -> Release | None:
    """Return the release that the host calls its current one; None where none was ever deployed.

    Raises:
        Refused: When the host has had a release, and has no current one.
        HostError: When the host cannot be reached.
        CommandFailed: When it cannot be read.
    """
    settings = settings_of(environment)
    with reach(settings) as host:
        facts = read_deployed(host, settings)
        return None if facts is None else demand_current(facts, host)


@task(name="look for a change", task_run_name="look for a change", cache_policy=NO_CACHE)
def changed_meanwhile(release: Release, environment: str) -> str:
    """Return why what was seen of a release says nothing about it; empty when nothing keeps it.

    Whoever only looks has no right to the target, so a run may change it under their eyes.

    Args:
        release: What the host called its current one when the look began.
        environment: The environment.
    """
    settings = settings_of(environment)
    try:
        with reach(settings) as host:
            if is_at_work(host, settings):
                return "a run is changing the target"
            current = demand_current(read(host, settings.application), host)
    except RolloutError as error:
        tell(f"whether a run changes the target is not known: {error.true}")
        return ""
    if current.number == release.number:
        return ""
    return f"release {current.number} has taken the place of release {release.number} meanwhile"


def is_at_work(host: Host, settings: Environment) -> bool:
    """Return whether a run has the right to change the target.

    Raises:
        RolloutError: When the host cannot be asked.
    """
    command = read_lease_command(Layout(settings.application.directory))
    answer = host.check(
        command, "the lease could not be read", next_step="Log in to the host and look."
    )
    return parse_lease(answer.stdout).holder is not None


def read_deployed(host: Host, settings: Environment) -> HostFacts | None:
    """Return what the application has on the host; None where nothing was ever deployed.

    A deploy that failed before it came to the host leaves the folder with its lease, and a login
    that may not ask the engine yet. A machine that was made anew has no more than that either, so
    the database is asked as well: what it holds, some release has brought.

    Raises:
        HostError: When the host cannot be reached.
        CommandFailed: When it cannot be read, although something was deployed.
    """
    application = settings.application
    answer = host.run(read_host_command(application.directory, application.project))
    facts = parse_host(answer.stdout)
    may_be_none = answer.exit_code in (0, NOT_PREPARED, ENGINE_SILENT) and nothing_deployed(facts)
    if may_be_none and _runs_nothing(host, settings, answer.exit_code) and holds_nothing(settings):
        return None
    return facts if answer.ok else read(host, application)


def _runs_nothing(host: Host, settings: Environment, exit_code: int) -> bool:
    """Return whether the engine has no container of the project, running or not."""
    machine = read_machine(host, settings.application)
    # A folder that we may not enter is not the same as none.
    is_locked = exit_code == NOT_PREPARED and bool(machine.mode)
    return not (machine.containers or is_locked)


def holds_nothing(settings: Environment) -> bool:
    """Return whether the database is reached, and no migration was ever applied to it."""
    try:
        address = load_app_database(settings.blocks.app_database).address()
        with Database(address, tell) as database:
            return not database.held(settings.migrations)
    except RolloutError:
        return False


def told_nothing_deployed(environment: str) -> str:
    """Return that there is nothing to look at yet, for people."""
    return (
        f"no release was ever deployed to {environment}, so there is nothing to look at; deploy a "
        "commit first"
    )
