"""rollback: from what a person asks for to an earlier release that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from rollout.decide.releases import release_on, serving_release
from rollout.decide.rollback import choose_release
from rollout.errors import RollbackRefused
from rollout.executors.files import read_environment
from rollout.model.activation import Activation, Wish
from rollout.model.finding import Refuse
from tasks.activate import activate, activation_plan
from tasks.app_secrets import earlier_with_its_secrets, earlier_with_newest_secrets
from tasks.lease import assure_lease
from tasks.record import note
from tasks.target import reach, read, show

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release


@task(name="rollback", task_run_name="rollback", cache_policy=NO_CACHE)
def activate_earlier(wish: Wish, environment: str) -> Activation:
    """Make an earlier release of the host serve, as a whole: image, files and secrets.

    Args:
        wish: Which one, and why.
        environment: The environment.

    Raises:
        RollbackRefused: When there is no such release, it serves already, or a version of its
            secrets was disabled since.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        assure_lease()
        facts = read(host, settings.application)
        left = release_on(facts, serving_release(facts, settings.application.service))
        chosen, files = _earlier(wish, host, facts, settings)
        activation = activate(host, facts, chosen, files, settings)
        if left is not None:
            told = f"{wish.reason or 'no reason given'} ({wish.actor or 'nobody named'})"
            note(host, settings, left, "rolled-back", told)
        return activation


@task(name="rollback: plan", task_run_name="rollback: plan", cache_policy=NO_CACHE)
def plan_rollback(wish: Wish, environment: str) -> str:
    """Tell what a rollback would run, and return a sentence about it; nothing is changed.

    Args:
        wish: Which release, and why.
        environment: The environment.

    Raises:
        RollbackRefused: As `activate_earlier`.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        facts = read(host, settings.application)
        chosen, files = _earlier(wish, host, facts, settings)
    plan = activation_plan(facts, chosen, files, settings)
    show(plan)
    return f"would make release {chosen.number} ({chosen.version.short}) serve: {plan.outline()}"


def _earlier(
    wish: Wish, host: Host, facts: HostFacts, settings: Environment
) -> tuple[Release, tuple[RemoteFile, ...]]:
    """Return the release that is asked for, and what the host lacks of it."""
    chosen = choose_release(facts, wish.version, settings.application.service)
    if isinstance(chosen, Refuse):
        raise RollbackRefused("rollback", chosen.findings)
    if wish.secrets == "newest":
        return earlier_with_newest_secrets(
            host, facts, chosen, settings, reason=wish.reason, actor=wish.actor
        )
    return chosen, earlier_with_its_secrets(host, facts, chosen, settings)
