"""Bodies of the requests by which GitHub is told of a deployment.

Source: docs.github.com, REST API, "Deployments" and "Deployment statuses", version 2022-11-28.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from rollout.model.announcement import Announcement, Stage

_SAID: dict[Stage, str] = {
    "in_progress": "goes on",
    "success": "serves",
    "failure": "failed; the run says what serves",
    "inactive": "gave way; it changed nothing",
}


def render_deployment(announced: Announcement) -> dict[str, Any]:
    """Return the body that makes a deployment.

    GitHub must neither merge into the commit nor wait for checks: quality has passed.
    """
    return {
        "ref": announced.sha,
        "environment": announced.environment,
        "auto_merge": False,
        "required_contexts": [],
        "payload": {"run": announced.run_id},
        "description": f"{announced.what} by trovella-deploy",
    }


def render_deployment_status(announced: Announcement, stage: Stage) -> dict[str, Any]:
    """Return the body that says how far a deployment is.

    A success makes GitHub call the earlier deployments of the environment inactive. What went wrong
    stands in the run only: the repository may be public.
    """
    parts = urlsplit(announced.url)
    log = {"log_url": announced.run_url} if announced.run_url else {}
    return {
        "state": stage,
        "environment": announced.environment,
        "environment_url": f"{parts.scheme}://{parts.netloc}",
        "description": f"{announced.what} {_SAID[stage]}",
        "auto_inactive": True,
        **log,
    }
