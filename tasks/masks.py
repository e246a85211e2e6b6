"""Hides a release's secrets in what programs wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.public import public_facts
from rollout.errors import RolloutError
from rollout.executors.masking import masking
from tasks.app_secrets import read_secrets
from tasks.target import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.config import Environment
    from rollout.model.release import Release


def mask_of(settings: Environment, release: Release) -> Callable[[str], str] | None:
    """Return what hides a release's own secrets in a text; None where they cannot be read."""
    try:
        values = read_secrets(settings, release.secret_versions)
    except RolloutError as error:
        tell(f"warning: the logs are not shown, because they cannot be masked: {error.true}")
        return None
    return masking((one.value for one in values.values()), public_facts(settings.verify.url))
