"""Hides a release's secrets in what programs wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.public import public_facts
from rollout.decide.releases import release_on
from rollout.decide.secrets import unreadable_around
from rollout.errors import RolloutError
from rollout.executors.masking import masking
from rollout.model.layout import release_service
from tasks.app_secrets import read_secrets
from tasks.ready import secret_store
from tasks.target import reach, read, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.config import Environment
    from rollout.model.command import Secret
    from rollout.model.release import Release


def mask_of(settings: Environment, release: Release) -> Callable[[str], str] | None:
    """Return what hides a release's own secrets in a text; None where they cannot be read."""
    try:
        # Also those that the environment's file no longer names: the release's containers do.
        values = read_secrets(settings, release.secret_versions, release.secret_versions)
    except RolloutError as error:
        tell(f"warning: the logs are not shown, because they cannot be masked: {error.true}")
        return None
    return masking((one.value for one in values.values()), public_facts(settings.verify.url))


def secrets_of_kept(settings: Environment) -> tuple[tuple[Secret, ...], frozenset[str]]:
    """Return the secrets of every release that the host has, each at its own version.

    Containers of earlier releases are kept, and so is what they wrote. What surrounds the releases
    runs with the secrets of the one that serves, or of the newest that was to.

    Returns:
        The secrets; and the services of which a secret can no longer be read.

    Raises:
        RolloutError: When the host or Secret Manager cannot be asked.
    """
    with reach(settings) as host:
        facts = read(host, settings.application)
    store = secret_store(settings)
    values: set[Secret] = set()
    unknown: set[str] = set()
    seen: dict[tuple[tuple[str, str], ...], bool] = {}
    for number in facts.releases:
        release = release_on(facts, number)
        versions = release.secret_versions if release else {}
        key = tuple(sorted(versions.items()))
        if key not in seen:
            reading = store.look_at(versions)
            values |= {one.value for one in reading.values.values()}
            seen[key] = bool(reading.unusable)
        if seen[key]:
            unknown.add(release_service(settings.application.service, number))
    return tuple(values), unreadable_around(facts, unknown, settings.application)
