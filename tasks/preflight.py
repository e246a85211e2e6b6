"""Looks at everything that a deploy will need, before anything has changed."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from blocks import load_app_database, load_artifact_registry
from rollout.decide.releases import releases_on
from rollout.executors.files import read_environment
from rollout.executors.registry import Registry
from rollout.model.release import Version
from tasks.app_secrets import read_secrets
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.target import bootstrap_plan, reach, read


@task(
    name="preflight",
    task_run_name="preflight",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def preflight(environment: str) -> Version | None:
    """Return the version that is deployed now, once all that a deploy needs is known to be there.

    A missing block, a refused login, a disabled secret, another host key or a full disk is told
    here, beside quality, and not after the schema has changed.

    Returns:
        The current release's version; None on a host that has none.

    Raises:
        RolloutError: Whatever stands in the way; nothing was changed.
    """
    settings = read_environment(environment)
    read_secrets(settings)
    load_app_database(settings.blocks.app_database).address()
    Registry(load_artifact_registry(settings.blocks.artifact_registry).login()).digest(
        settings.build.image, "latest"
    )
    with reach(settings) as host:
        plan = bootstrap_plan(host, settings.application)
        get_run_logger().info("to prepare on the host: %s", plan.outline())
        if not plan.is_empty:
            return None
        facts = read(host, settings.application)
    current = (one for one in releases_on(facts) if one.number == facts.current)
    return next((release.version for release in current), None)
