"""What the services' logs say of a release that was made to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect.artifacts import create_table_artifact
from prefect.exceptions import PrefectException

from rollout.commands.logs import parse_logs, read_logs_command
from rollout.decide.log_sources import log_sources
from rollout.decide.logs import masked, new_errors
from tasks.masks import mask_of
from tasks.target import tell

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.host import HostFacts
    from rollout.model.logs import Logs
    from rollout.model.release import Release

SHOWN_ERRORS = 20


def read_logs(host: Host, settings: Environment, release: Release, facts: HostFacts) -> Logs | None:
    """Return what was written since the activation and before it; None when that is not known.

    Raises:
        RolloutError: When they cannot be read.
    """
    sources = log_sources(facts, release, settings.application.service)
    if sources is None:
        return None
    answer = host.run(read_logs_command(sources.activated_at, sources.containers))
    return parse_logs(answer.stdout)


def show_new_errors(settings: Environment, release: Release, logs: Logs) -> None:
    """Show, beside the run, the errors that were not written before, with their secrets hidden.

    Their words are left out where nothing can hide a secret in them.
    """
    errors = new_errors(logs)
    if not errors:
        return
    mask = mask_of(settings, release)
    # Before anything is cut or replaced in it: no mask knows a part of a secret.
    errors = new_errors(masked(logs, mask)) if mask else errors
    table = [
        {
            "service": one.service,
            "count": str(one.count),
            "error": one.fingerprint if mask else "not shown",
            "example": one.example if mask else "not shown",
        }
        for one in errors[:SHOWN_ERRORS]
    ]
    try:
        create_table_artifact(
            key="new-errors",
            table=table,
            description=f"errors that were not logged before release {release.number} served",
        )
    except (HTTPError, PrefectException) as error:
        tell(f"warning: new errors are not shown: {error}")
