"""Alerts that Cloud Monitoring's stand-in shows for a while."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.documents import gcp_project
from deployments.facts import read_world
from infra.rehearsal.documents import changing
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.executors.alerts import Alerts

PROJECT = "trovella-prod"


def alerts() -> Alerts:
    """Return what the project's block hands out, over Google's own client."""
    return gcp_project(read_world(Path(os.environ["REHEARSAL_WORLD"])).gcp_project).alerts()


def shown(policy: str, opened_at: str, closed_at: str = "") -> dict[str, Any]:
    """Return an alert as the service shows it."""
    policy_of = {"name": f"projects/{PROJECT}/alertPolicies/1", "displayName": policy}
    told = {"state": "OPEN", "openTime": opened_at, "policy": policy_of}
    return {**told, "state": "CLOSED", "closeTime": closed_at} if closed_at else told


@contextmanager
def opened(*alerts: dict[str, Any], denied: bool = False) -> Iterator[None]:
    """Let the project have these alerts and no others, or not show them; afterwards none."""
    _become(alerts=list(alerts), denied=denied)
    try:
        yield
    finally:
        _become(alerts=[], denied=False)


def _become(**facts_of_project: Any) -> None:
    with changing(Path(facts()["alert_store"])) as document:
        document["projects"][PROJECT].update(facts_of_project)
