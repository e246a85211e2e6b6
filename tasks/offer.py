"""What the UI offers for a rollback, kept as it is on the host: the form's list, and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect import get_client, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.exceptions import ObjectNotFound, PrefectException

from rollout.decide.candidates import judge_candidates
from rollout.decide.rollback import ways_back
from rollout.errors import RolloutError
from rollout.render.form import with_choices
from rollout.render.rollback import render_ways_back
from tasks.schema import read_stored, reading_live

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.config import Environment
    from rollout.executors.host import Host


def offer_ways_back(host: Host, settings: Environment) -> None:
    """Show what can be gone back to now: as an artifact, and as the list in the rollback's form.

    What cannot be shown is a warning: a rollback decides anew, from facts.
    """
    try:
        with reading_live(settings) as live:
            stored = read_stored(host, settings)
            candidates = judge_candidates(stored, live.result(), settings)
        create_markdown_artifact(
            key=f"ways-back-{settings.name}",
            markdown=render_ways_back(settings.name, candidates),
            description=f"what {settings.name} can go back to",
        )
        _offer(settings.name, ways_back(stored.facts, settings.application.service))
    except (RolloutError, PrefectException, HTTPError) as error:
        told = error.true if isinstance(error, RolloutError) else str(error)
        get_run_logger().warning("what can be gone back to was not shown: %s", told)


def _offer(environment: str, choices: Sequence[str]) -> None:
    """Put the choices into the form; a server without that deployment has no form."""
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"rollback/{environment}")
        except ObjectNotFound:
            return
        schema = with_choices(deployment.parameter_openapi_schema or {}, choices)
        client.update_deployment(deployment.id, DeploymentUpdate(parameter_openapi_schema=schema))
