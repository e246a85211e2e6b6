"""sync-secrets: from new versions in Secret Manager to a release that serves with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from rollout.decide.own_database import database_of
from rollout.decide.releases import release_to_activate
from rollout.decide.secrets import (
    describe_rotation,
    is_renewed,
    judge_rotation,
    release_to_renew,
    renew,
)
from rollout.errors import Refused
from rollout.executors.clock import now_utc
from rollout.executors.files import read_environment
from rollout.ledger import read_ledger
from rollout.model.activation import Activation
from rollout.model.finding import Refuse
from tasks.activate import activate
from tasks.app_secrets import read_secrets, renewal, versions_of
from tasks.lease import assure_lease
from tasks.retry import RETRIES, RETRY_DELAY_S, telling_of_earlier_tries, when_safe
from tasks.target import reach, read

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.host import HostFacts
    from rollout.model.release import Release


@task(
    name="sync-secrets",
    task_run_name="sync-secrets",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def renew_release(environment: str, reason: str, actor: str, taken: int = 0) -> Activation | None:
    """Make the release that serves do so with the newest secrets; its code stays what it is.

    Args:
        environment: The environment.
        reason: Why; empty takes the names of the secrets that differ.
        actor: Who asked; empty where nobody said.
        taken: The highest number that a further host of the target has given; 0 for none.

    Returns:
        What came to serve; None when it has the newest secrets already.

    Raises:
        SecretUnusable: When any secret is missing, disabled, empty or forbidden; names them all.
        Refused: When no release serves yet.
        CommandFailed: When a step failed; `left` says what serves.
        HostError: When the host was lost; `left` says what is known.
    """
    settings = read_environment(environment)
    secrets = read_secrets(settings)
    with telling_of_earlier_tries(), reach(settings) as host:
        assure_lease()
        facts = read(host, settings.application)
        former = _serving(facts, settings)
        draft = renew(
            replace(former, database=database_of(settings)),
            versions_of(secrets),
            created_at=now_utc(),
            actor=actor,
            reason=reason,
            run_id=str(flow_run.id),
        )
        render = renewal(host, settings, former, secrets)
        release, files = release_to_activate(
            facts, draft, render, settings.application.service, taken
        )
        if is_renewed(former, release, draft.run_id, read_ledger(facts.ledger)):
            return None
        get_run_logger().info(describe_rotation(former, release.secret_versions))
        for finding in judge_rotation(facts, former, release.secret_versions, settings).findings:
            get_run_logger().warning("%s: %s. %s", finding.rule, finding.consequence, finding.help)
        return activate(host, facts, release, files, settings)


def _serving(facts: HostFacts, settings: Environment) -> Release:
    found = release_to_renew(facts, settings.application.service)
    if isinstance(found, Refuse):
        raise Refused("sync-secrets", found.findings)
    return found
