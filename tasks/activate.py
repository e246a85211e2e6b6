"""deploy-prod: from an image to a release that serves on the target's host."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from blocks import load_artifact_registry
from rollout.decide.activate import decide_activation
from rollout.decide.hosts import batches_of
from rollout.decide.own_database import database_of
from rollout.decide.releases import (
    release_on,
    release_to_activate,
    release_to_return_to,
    served_before,
)
from rollout.decide.retire import undrained
from rollout.errors import RolloutError
from rollout.executors import git
from rollout.executors.carry_out import carry_out
from rollout.executors.clock import monotonic_s, now_utc
from rollout.executors.files import read_environment
from rollout.ledger import read_ledger
from rollout.migrations.contract_json import text_fingerprint
from rollout.model.activation import Activation, Return
from rollout.model.migrated import Migrated
from rollout.model.ready import Ready
from rollout.model.release import Image, Release
from rollout.model.source import Source
from rollout.render.hosts import told_batches
from rollout.render.release import release_files
from tasks.app_secrets import read_secrets, variables, versions_of
from tasks.image import image_of
from tasks.lease import assure_lease
from tasks.masks import mask_of
from tasks.migrate import as_it_is
from tasks.record import note, publish_state
from tasks.retry import RETRIES, RETRY_DELAY_S, telling_of_earlier_tries, when_safe
from tasks.source import at
from tasks.target import bootstrap_plan, prepare, reach, read, read_unprepared, show
from tasks.way_back import way_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.host import HostFacts
    from rollout.model.plan import Plan, RemoteFile
    from rollout.model.secrets import SecretValue
    from rollout.model.target import RegistryLogin


@task(
    name="deploy-prod",
    task_run_name="deploy-prod",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def deploy_prod(
    ready: Ready, migrated: Migrated, environment: str, reason: str, actor: str
) -> Activation:
    """Make a commit's image serve; what serves already is left as it is.

    Args:
        ready: The commit, its image, and what else a release of it is made of.
        migrated: What the database holds for its code.
        environment: The environment.
        reason: Why; empty means that the merge itself is the reason.
        actor: Who asked; empty takes the commit's author.

    Raises:
        Refused: When the host lacks something that only people may give.
        CommandFailed: When a step failed; `left` says what serves.
        HostError: When the host was lost; `left` says what is known.
    """
    settings = read_environment(environment)
    secrets = read_secrets(settings)
    draft = replace(
        _draft(ready.source, ready.image, migrated, secrets, reason, actor),
        database=database_of(settings),
    )
    with telling_of_earlier_tries(), reach(settings) as host:
        assure_lease()
        prepare(host, settings.application)
        facts = read(host, settings.application)
        render = _renderer(settings, ready.source, secrets, migrated.contract)
        release, files = release_to_activate(
            facts, draft, render, settings.application.service, ready.taken
        )
        return activate(host, facts, release, files, settings)


@task(name="deploy-prod: plan", task_run_name="deploy-prod: plan", cache_policy=NO_CACHE)
def plan_deploy(source: Source, environment: str, reason: str, actor: str) -> str:
    """Tell what deploy-prod would run, and return a sentence about it; nothing is changed.

    An image that was not built yet stands there with a digest of zeros.

    Args:
        source: The commit.
        environment: The environment.
        reason: Why.
        actor: Who asked; empty takes the commit's author.

    Raises:
        Refused: When the host lacks something that only people may give.
        HostError: When the host cannot be read.
    """
    settings = read_environment(environment)
    secrets = read_secrets(settings)
    image = image_of(source.version, settings)
    migrated = as_it_is(settings, source)
    draft = _draft(source, image, migrated, secrets, reason, actor)
    with reach(settings) as host:
        preparing = bootstrap_plan(host, settings.application)
        look = read if preparing.is_empty else read_unprepared
        facts = look(host, settings.application)
    render = _renderer(settings, source, secrets, migrated.contract)
    release, files = release_to_activate(facts, draft, render, settings.application.service)
    plan = activation_plan(facts, release, files, settings)
    show(preparing, plan)
    return (
        f"would make release {release.number} ({source.version.short}) serve: {plan.outline()}"
        f"{told_batches(batches_of(settings.hosts))}"
    )


@task(name="deploy-prod: return", task_run_name="deploy-prod: return", cache_policy=NO_CACHE)
def return_to_former(activation: Activation, environment: str) -> Return:
    """Let the former release serve again, and return what serves now.

    The former one is left alone when its code is known to break with the schema that is there by
    now. What was seen of the refused one is kept before: `tasks.diagnose.evidence_first`.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        done = serve_former(host, settings, activation)
        publish_state(host, settings)
        return done


def serve_former(
    host: Host,
    settings: Environment,
    activation: Activation,
    why: str = "it was not seen serving from outside",
) -> Return:
    """Go back, whatever goes wrong with it: the error that led here is the one that is told.

    A release that was seen serving before this run is left as it is, in the ledger too: what is
    not well by now is nothing that this run has brought.

    Args:
        host: Where.
        settings: The environment.
        activation: What is left, and for what.
        why: Why, for the ledger.
    """
    failed = activation.release
    if activation.served:
        kept = f"Release {failed.number} was verified before this run, and is left as it is."
        return Return(f"{kept} What this run did on the host stays." if activation.steps else kept)
    note(host, settings, failed, "failed", why)
    try:
        assure_lease()
        facts = read(host, settings.application)
        former = release_on(facts, activation.former)
        if former is None:
            return Return(f"Release {failed.number} is still serving: there is no earlier one.")
        way = way_back(host, settings, failed, former)
        if not way.open:
            return Return(f"Release {failed.number} is still serving. {way.told}")
        again = activate(host, facts, former, (), settings)
        if _was_well(former, facts):
            note(host, settings, former, "verified", "it served before")
    except RolloutError as error:
        get_run_logger().exception("the former release could not be made to serve again")
        told = f"release {activation.former}" if activation.former else "the former release"
        return Return(f"Going back to {told} failed: {error.true}. {error.left}")
    serves = f"Release {former.number} ({former.version.short}) is serving again."
    cut_off = f"{again.cut_off}." if again.cut_off else ""
    return Return(" ".join(filter(None, (serves, cut_off, way.told))), serves=True)


def _was_well(former: Release, facts: HostFacts) -> bool:
    """Return whether a release was verified, whatever this run has said of it meanwhile."""
    own = str(flow_run.id)
    said = (one for one in reversed(read_ledger(facts.ledger).entries) if one.run_id != own)
    return next((one.event for one in said if one.release == former.number), "") == "verified"


def activate(
    host: Host,
    facts: HostFacts,
    release: Release,
    files: tuple[RemoteFile, ...],
    settings: Environment,
) -> Activation:
    """Carry out what makes a release serve, from whatever the facts say was done already."""
    started_s = monotonic_s()
    plan = activation_plan(facts, release, files, settings)
    get_run_logger().info("release %s: %s", release.number, plan.outline())
    results = carry_out(plan, host, partial(mask_of, settings, release))
    service, own = settings.application.service, str(flow_run.id)
    return Activation(
        release=release,
        former=release_to_return_to(facts, release, service, own),
        served=served_before(facts, release, service, own),
        steps=len(plan.steps),
        round_trips=host.round_trips,
        seconds=monotonic_s() - started_s,
        undrained=undrained(results),
    )


def activation_plan(
    facts: HostFacts, release: Release, files: tuple[RemoteFile, ...], settings: Environment
) -> Plan:
    """Return what makes a release serve, from whatever the facts say was done already."""
    return decide_activation(
        facts,
        release,
        files,
        settings.application,
        _login(facts, release, settings),
        settings.verify,
    )


def _login(facts: HostFacts, release: Release, settings: Environment) -> RegistryLogin | None:
    """Return the registry's login; None where the host has the image and pulls nothing."""
    if release.image.reference in facts.images:
        return None
    return load_artifact_registry(settings.blocks.artifact_registry).login()


def _draft(
    source: Source,
    image: Image,
    migrated: Migrated,
    secrets: dict[str, SecretValue],
    reason: str,
    actor: str,
) -> Release:
    """Return the release that a commit would be, without its number."""
    return Release(
        number=0,
        version=source.version,
        image=image,
        created_at=now_utc(),
        actor=actor or source.author,
        reason=reason,
        run_id=str(flow_run.id),
        migrations=migrated.tags,
        secret_versions=versions_of(secrets),
        contract=text_fingerprint(migrated.contract),
    )


def _renderer(
    settings: Environment, source: Source, secrets: dict[str, SecretValue], contract: str
) -> Callable[[Release], tuple[RemoteFile, ...]]:
    """Return what gives a release its files: the commit's own, the secrets and the contract."""
    # The migrations may be applied by now: a repository that is away is no reason to stop here.
    at(source.version.sha, settings.name, purpose="source", demanded=False)
    return partial(
        release_files,
        application=settings.application,
        compose=git.read_file(source, settings.application.compose),
        caddyfile=git.read_file(source, settings.application.caddyfile),
        variables=variables(settings, secrets),
        contract=contract,
    )
