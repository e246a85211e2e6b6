"""What a failed run says of itself: the cause, as far as it is known, and what to do.

Nothing here is done in a run that goes well. What goes wrong while looking is a line of the
evidence: the error that led here is the one that is told, always.
"""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from blocks import load_app_database, load_artifact_registry, load_target_host
from rollout.commands.git import shown_repository
from rollout.commands.iap import instance_words
from rollout.decide.public import public_facts
from rollout.diagnose.collect import Look, evidence_of, looks
from rollout.diagnose.match import diagnose as match
from rollout.diagnose.match import masked, without_lines_of, without_logs
from rollout.errors import (
    CancelAsked,
    ConfigInvalid,
    RolloutError,
    SecretStoreUnavailable,
    SecretUnusable,
    Superseded,
)
from rollout.executors.evidence import Places, look_around
from rollout.executors.masking import masking
from rollout.model.around import GITHUB_API, Around, Cloud, Code
from rollout.model.diagnosis import Diagnosis
from rollout.model.seen import Evidence
from rollout.render.diagnosis import render_diagnosis, render_evidence
from tasks.app_secrets import read_secrets
from tasks.masks import secrets_of_kept
from tasks.phase import failed_phase
from tasks.target import reach, settings_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from blocks.target_host import TargetHost
    from rollout.config import Environment
    from rollout.model.command import Secret
    from rollout.model.release import Release
    from rollout.model.target import HostAddress

_NO_FAILURES = (Superseded, CancelAsked)
_SSH_PORT = 22
_OF_A_RELEASE = frozenset({Look.HOST, Look.OUTSIDE})


@contextmanager
def explaining(environment: str) -> Generator[None]:
    """Let an error that leaves the block say why it came about and what to do now.

    Args:
        environment: The environment that the run works on.

    Raises:
        RolloutError: The same error, with its cause, its impact and the next step; itself when it
            could not be looked into.
    """
    try:
        yield
    except _NO_FAILURES:
        raise
    except RolloutError as error:
        # What is about another environment was explained by that one's own block, within this one.
        diagnosis = None if error.cause else _diagnosed(error, environment)
        if diagnosis is None:
            raise
        raise error.explained(diagnosis) from error
    # A defect of our own, or an error of Prefect's: told with what is seen around it, then raised.
    except Exception as error:
        _diagnosed(error, environment)
        raise


@contextmanager
def evidence_first(environment: str, release: Release) -> Generator[None]:
    """Let an error that leaves the block take along what was seen before anything is undone.

    It is shown as the artifact `evidence`, and it is what the diagnosis goes by later.

    Args:
        environment: The environment that the run works on.
        release: What is left by that error.
    """
    try:
        yield
    except RolloutError as error:
        if not isinstance(error, _NO_FAILURES) and error.seen_then is None:
            error.seen_then = _collected(error, environment, release)
            _keep(error.seen_then, release)
        raise


def _keep(evidence: Evidence | None, release: Release) -> None:
    """Show evidence beside the run; when it cannot be shown, the run goes back all the same."""
    if evidence is None:
        return
    try:
        create_markdown_artifact(
            key="evidence",
            markdown=render_evidence(release, evidence),
            description=f"what was seen of release {release.number} before it was left",
        )
    # An API that is away, a rendering that fails: nothing about a picture of what was seen is worth
    # more than going back, which comes next.
    except Exception as trouble:  # noqa: BLE001 - see above
        get_run_logger().warning("the evidence is not shown: %s", trouble)


@task(name="diagnose", task_run_name="diagnose", cache_policy=NO_CACHE)
def diagnose(evidence: Evidence) -> Diagnosis:
    """Return what a failure comes down to, and publish it with its evidence."""
    diagnosis = match(evidence)
    create_markdown_artifact(
        key="diagnosis",
        markdown=render_diagnosis(diagnosis, evidence),
        description=f"{evidence.phase or 'the run'}: {diagnosis.code}",
    )
    get_run_logger().info("diagnosis: %s: %s", diagnosis.code, diagnosis.why)
    return diagnosis


def _diagnosed(error: Exception, environment: str) -> Diagnosis | None:
    """Return what an error comes down to; None when that could not be found out."""
    then = error.seen_then if isinstance(error, RolloutError) else None
    evidence = then or _collected(error, environment)
    if evidence is None:
        return None
    left = error.left if isinstance(error, RolloutError) else "What state was left is unknown."
    try:
        return diagnose(replace(evidence, left=left))
    # Sixty known failures read what a broken machine says, and Prefect shows what comes of it: a
    # defect in one of them must not take the place of the error that led here.
    except Exception as trouble:  # noqa: BLE001 - see above
        get_run_logger().warning("the failure could not be diagnosed: %s", trouble)
        return None


def _collected(error: Exception, environment: str, left: Release | None = None) -> Evidence | None:
    """Return what is known of an error and seen around it; None when even that fails.

    A release that is left was seen, whatever kind of error it is left for.
    """
    phase = failed_phase(error)
    try:
        settings = settings_of(environment)
        block = load_target_host(settings.blocks.target_host)
        address = block.address()
        around = around_of(settings, block)
        evidence = evidence_of(error, phase, around)
        where = looks(error) or (_OF_A_RELEASE if left else frozenset[Look]())
        seen = look_around(evidence, where, _places(settings, address))
        hidden = _secrets(error, settings, left, seen)
        if hidden is None:
            return without_logs(seen)
        secrets, unknown = hidden
        return masked(without_lines_of(seen, unknown), masking(secrets, _public(around)))
    except ConfigInvalid:
        # The environment's file or the host's block is what is wrong: nothing can be reached.
        return evidence_of(error, phase, Around(environment=environment))
    # Blocks, files, secrets and the mask over all of it: the error that led here is told, whatever
    # is wrong with them.
    except Exception as trouble:  # noqa: BLE001 - see above
        get_run_logger().warning("no evidence was collected: %s", trouble)
        return None


def _public(around: Around) -> tuple[str, ...]:
    """Return what a diagnosis may name, whatever the secrets say of it."""
    registry = f"{around.cloud.region}-docker.pkg.dev"
    return public_facts(around.url, around.address, around.github, registry)


def around_of(settings: Environment, host: TargetHost) -> Around:
    """Return where a run works, as its diagnosis names it."""
    application, machine = settings.application, host.machine()
    words = instance_words(machine) if machine else ""
    through_iap = host.through == "iap"
    return Around(
        environment=settings.name,
        ssh=f"gcloud compute ssh {words} --tunnel-through-iap"
        if through_iap
        else _ssh(host.address()),
        through_iap=through_iap,
        machine=words,
        address=host.host,
        directory=application.directory,
        project=application.project,
        service=application.service,
        proxy=application.proxy,
        port=application.port,
        url=settings.verify.url,
        github=settings.github.repository if settings.github else "",
        github_token=settings.github.token if settings.github else "",
        github_api=settings.github.api_url if settings.github else GITHUB_API,
        code=_code(settings),
        cloud=_cloud(settings),
    )


def _code(settings: Environment) -> Code:
    build, application = settings.build, settings.application
    return Code(
        repository=shown_repository(settings.repository),
        branch=settings.branch,
        dockerfile=build.dockerfile,
        context=build.context,
        caddyfile=application.caddyfile,
    )


def _cloud(settings: Environment) -> Cloud:
    """Return what the run uses of Google Cloud; unknown where a block cannot be read."""
    names, unknown = settings.blocks, Cloud()
    try:
        database = load_app_database(names.app_database)
        scratch = load_app_database(names.scratch_database) if names.scratch_database else None
        registry = load_artifact_registry(names.artifact_registry)
    except ConfigInvalid:
        return unknown
    instance = settings.migrations.backup_instance or database.cloud_sql.rpartition(":")[2]
    return Cloud(
        project=database.gcp.project,
        has_sql=bool(instance),
        sql_instance=instance or unknown.sql_instance,
        database_url_in=database.url_secret,
        scratch_url_in=scratch.url_secret if scratch else unknown.scratch_url_in,
        registry=registry.repository,
        registry_project=registry.project,
        region=registry.region,
    )


def _ssh(address: HostAddress) -> str:
    """Return the words before a command on the host, as a person would type them."""
    words = ["ssh"]
    if address.port != _SSH_PORT:
        words += ["-p", str(address.port)]
    if address.proxy_command:
        words += ["-o", f"ProxyCommand={address.proxy_command}"]
    return shlex.join([*words, f"{address.user}@{address.host}"])


def _places(settings: Environment, address: HostAddress) -> Places:
    return Places(
        application=settings.application,
        url=settings.verify.url,
        dialled=settings.verify.address,
        address=lambda: address,
        host=lambda: reach(settings),
        login=lambda: load_artifact_registry(settings.blocks.artifact_registry).login(),
    )


def _secrets(
    error: Exception, settings: Environment, left: Release | None, seen: Evidence
) -> tuple[tuple[Secret, ...], frozenset[str]] | None:
    """Return what must not be shown: the newest secrets, and those of whatever was looked at.

    Beside them, the services whose secrets can no longer be read. Nothing where nobody can have
    written one yet; None when they cannot be read.
    """
    if not seen.host and isinstance(error, (SecretUnusable, SecretStoreUnavailable)):
        return (), frozenset()
    try:
        newest = read_secrets(settings)
        own = read_secrets(settings, left.secret_versions) if left else newest
        kept, unknown = secrets_of_kept(settings) if seen.host else ((), frozenset[str]())
    except RolloutError as trouble:
        get_run_logger().warning("the logs are left out of the evidence: %s", trouble.true)
        return None
    values = (one.value for one in (*newest.values(), *own.values()))
    return (*values, *kept), unknown
