"""Secrets as tasks use them: read before anything changes, and put into a release's files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.runtime import flow_run

from rollout.commands.release import parse_release_folder, read_release_command
from rollout.decide.may_go import OLDER
from rollout.decide.own_database import database_of, judge_database
from rollout.decide.releases import release_to_activate
from rollout.decide.secrets import has_environment, judge_recorded, renew
from rollout.errors import RollbackRefused, SecretStoreUnavailable
from rollout.executors.clock import now_utc
from rollout.model.command import Secret
from rollout.model.finding import Refuse
from rollout.model.layout import Layout
from rollout.render.release import renewed_files
from tasks.ready import secret_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.activation import Wish
    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release
    from rollout.model.secrets import SecretValue


def read_secrets(
    settings: Environment,
    versions: Mapping[str, str] | None = None,
    further: Iterable[str] = (),
) -> dict[str, SecretValue]:
    """Return every secret of the environment's application, by name.

    Args:
        settings: The environment; its `secrets` are the one list of the application's.
        versions: Name to version number, for those that are not to be read at their newest.
        further: Names of others to read with them; empty reads none.

    Raises:
        SecretUnusable: When any is missing, disabled, empty or forbidden; names them all.
    """
    return secret_store(settings).read((*settings.secrets.values(), *further), versions)


def variables(settings: Environment, secrets: Mapping[str, SecretValue]) -> dict[str, Secret]:
    """Return what the application's `.env` holds."""
    plain = {name: Secret(text) for name, text in settings.settings.items()}
    return plain | {name: secrets[key].value for name, key in settings.secrets.items()}


def versions_of(secrets: Mapping[str, SecretValue]) -> dict[str, str]:
    """Return the numbers of the versions that were read, by name."""
    return {one.name: one.version for one in secrets.values()}


def renewal(
    host: Host, settings: Environment, former: Release, secrets: Mapping[str, SecretValue]
) -> Callable[[Release], tuple[RemoteFile, ...]]:
    """Return what renders a release that is a former one with these secrets.

    Raises:
        CommandFailed: When the host no longer has the former one's folder.
    """
    answer = host.check(
        read_release_command(Layout(settings.application.directory), former.number),
        f"the files of release {former.number} could not be read",
        next_step=f"Deploy its version anew instead, with `accept` naming {OLDER}.",
    )
    return partial(
        renewed_files,
        application=settings.application,
        former=former.number,
        folder=parse_release_folder(answer.stdout),
        variables=variables(settings, secrets),
    )


def earlier_with_its_secrets(
    host: Host, facts: HostFacts, chosen: Release, settings: Environment
) -> tuple[RemoteFile, ...]:
    """Return what the host lacks of an earlier release whose secrets are known to be in force.

    As a rule that is nothing: the folder still has the `.env` of its time. Where somebody took that
    away, it is written anew from the versions that the release was made with.

    Raises:
        SecretUnusable: When the host has no `.env` of the release, and a version cannot be read.
        SecretStoreUnavailable: When it does not answer, and the host has no `.env` of the release.
    """
    if has_environment(facts, chosen):
        return ()
    secrets = read_secrets(settings, chosen.secret_versions)
    return renewal(host, settings, chosen, secrets)(chosen)


def demand_same_database(chosen: Release, wish: Wish, settings: Environment) -> None:
    """See to it that a release would use the database whose schema its code is judged by.

    With the newest secrets it gets the settings of now as well, so it does then.

    Raises:
        RollbackRefused: When its own `.env` leads to another one; nothing was changed.
    """
    if wish.secrets == "newest":
        return
    verdict = judge_database(chosen, settings)
    if isinstance(verdict, Refuse):
        raise RollbackRefused(f"rollback to release {chosen.number}", verdict.findings)


def demand_recorded(chosen: Release, settings: Environment) -> None:
    """See to it that the versions that a release was made with are still in force.

    While Secret Manager does not answer that is not known, and a warning: the host has a copy.

    Raises:
        RollbackRefused: When one was disabled or destroyed since.
    """
    try:
        seen = secret_store(settings).look_at(chosen.secret_versions)
    except SecretStoreUnavailable as error:
        get_run_logger().warning("its secrets were not asked for: %s", error.true)
        return
    verdict = judge_recorded(chosen, seen.unusable)
    if isinstance(verdict, Refuse):
        raise RollbackRefused("rollback", verdict.findings)
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s", finding.rule, finding.consequence)


def earlier_with_newest_secrets(
    host: Host,
    facts: HostFacts,
    chosen: Release,
    settings: Environment,
    wish: Wish,
    taken: int = 0,
) -> tuple[Release, tuple[RemoteFile, ...]]:
    """Return a new release that is an earlier one with the newest version of every secret.

    A run that was killed and goes on takes up its own, while that says the same.

    Raises:
        SecretUnusable: When any is missing, disabled, empty or forbidden; names them all.
    """
    secrets = read_secrets(settings)
    draft = renew(
        replace(chosen, database=database_of(settings)),
        versions_of(secrets),
        created_at=now_utc(),
        actor=wish.actor,
        reason=wish.reason,
        run_id=str(flow_run.id),
    )
    return release_to_activate(
        # Only this run's own: what serves may be of the same version, and is what shall be left.
        replace(facts, current=None),
        replace(draft, restores=chosen.number),
        renewal(host, settings, chosen, secrets),
        settings.application.service,
        taken,
    )
