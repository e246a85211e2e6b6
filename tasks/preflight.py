"""Looks at everything that a deploy will need, before anything has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from blocks import load_app_database, load_artifact_registry
from rollout.decide.emptied import judge_emptied, what_needs_rows
from rollout.decide.image import image_tag
from rollout.decide.may_go import judge_window
from rollout.decide.quarantine import judge_quarantine
from rollout.decide.releases import release_on
from rollout.errors import Refused
from rollout.executors import git
from rollout.executors.clock import now_utc, unix_s
from rollout.executors.database import Database
from rollout.executors.files import read_environment
from rollout.executors.registry import Registry
from rollout.model.finding import Refuse
from rollout.model.host import HostFacts
from rollout.model.release import Image, Release, Version
from rollout.render.caddyfile import render_caddyfile
from rollout.render.compose import render_compose
from tasks.app_secrets import read_secrets
from tasks.image import NOT_BUILT
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.source import at
from tasks.target import plan_preparing, reach, read, read_machine

if TYPE_CHECKING:
    from rollout.config import Application, Environment
    from rollout.model.finding import Verdict
    from rollout.model.source import Source


@task(
    name="preflight",
    task_run_name="preflight",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def preflight(version: Version, environment: str, accept: tuple[str, ...] = ()) -> Version | None:
    """Return the version that is deployed now, once all that a deploy needs is known to be there.

    A missing block, a refused login, a disabled secret, another host key, a full disk or a compose
    file that no host can run is told here, beside quality, and not after the schema has changed.

    Args:
        version: What is to be deployed.
        environment: The environment.
        accept: What the request takes upon itself; only when it is named here a version is deployed
            again that was left by a rollback, or one at a time at which deploys may not begin, or
            to a database that holds no migration although something serves.

    Returns:
        The current release's version; None on a host that has none.

    Raises:
        Refused: When deploys may not begin now, the version was left by a rollback, or something
            serves and the database holds no migration.
        ConfigInvalid: When a release cannot be rendered from the commit's own files.
        RolloutError: Whatever stands in the way; nothing was changed.
    """
    settings = read_environment(environment)
    _demand(judge_window(settings.may_go, unix_s(), accept))
    registry = Registry(load_artifact_registry(settings.blocks.artifact_registry).login())
    is_built = registry.digest(settings.build.image, image_tag(version)) is not None
    # What the build alone needs is named with the others, and before quality has gone through.
    read_secrets(settings, further=() if is_built else settings.build.secrets.values())
    load_app_database(settings.blocks.app_database).address()
    source = at(version.sha, environment, purpose="source")
    _demand_renders(source, settings.application)
    with reach(settings) as host:
        machine = read_machine(host, settings.application)
        plan = plan_preparing(machine, host, settings.application)
        get_run_logger().info("to prepare on the host: %s", plan.outline())
        facts = read(host, settings.application) if plan.is_empty else HostFacts()
    _demand(judge_quarantine(facts.ledger, version, accept))
    if git.read_folder(source, settings.migrations.folder):
        _demand_filled(what_needs_rows(machine, facts), settings, accept)
    current = release_on(facts, facts.current)
    return current.version if current else None


def _demand_renders(source: Source, application: Application) -> None:
    """See to it that the commit's own files can become a release's, whatever its image will be."""
    release = Release(1, source.version, Image(application.service, NOT_BUILT), now_utc())
    render_compose(git.read_file(source, application.compose), application, release)
    render_caddyfile(git.read_file(source, application.caddyfile), application)


def _demand_filled(serves: str, settings: Environment, accept: tuple[str, ...]) -> None:
    """See to it that a host that serves is not given a database that nothing was applied to."""
    if not serves:
        return
    address = load_app_database(settings.blocks.app_database).address()
    with Database(address, get_run_logger().info) as database:
        held = len(database.held(settings.migrations))
    named = f"the database of block {settings.blocks.app_database}"
    _demand(judge_emptied(serves, named, held, accept))


def _demand(verdict: Verdict) -> None:
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s", finding.rule, finding.consequence)
    if isinstance(verdict, Refuse):
        raise Refused("deploying", verdict.findings)
