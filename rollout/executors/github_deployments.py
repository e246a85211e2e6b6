"""Tells GitHub of deployments: makes one for a commit, or finds it again, and says how far it is.

Source: docs.github.com, REST API, "Deployments" and "Deployment statuses", version 2022-11-28.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.render.announcement import render_deployment, render_deployment_status

if TYPE_CHECKING:
    from rollout.executors.github import GitHub
    from rollout.model.announcement import Announcement, Stage

_LEFT = "GitHub does not show how far this run is; the run itself is not touched by that."


def announce(api: GitHub, announced: Announcement, stage: Stage) -> int:
    """Say how far a run's deployment is, and return its number on GitHub.

    A deployment that the same run made before is used again, also when the answer to that was lost.

    Args:
        api: The repository.
        announced: What is deployed, by which run.
        stage: How far it is.

    Raises:
        GitHubRefused: When the token may not do that, or GitHub does not know the commit.
        GitHubUnavailable: When GitHub does not answer in time.
    """
    number = _find(api, announced) or api.ask(
        "POST", "deployments", _LEFT, _number, json=render_deployment(announced)
    )
    path = f"deployments/{number}/statuses"
    status = render_deployment_status(announced, stage)
    api.ask("POST", path, _LEFT, _number, json=status)
    return number


def _find(api: GitHub, announced: Announcement) -> int | None:
    """Return the number of the deployment that the same run made; None without one."""
    asked = {"sha": announced.sha, "environment": announced.environment, "per_page": "100"}

    def read(said: Any) -> int | None:
        own = (one for one in said if _made_by(one) == announced.run_id)
        return min(map(_number, own), default=None)

    return api.ask("GET", "deployments", _LEFT, read, params=asked)


def _made_by(said: Any) -> str:
    """Return the run that made a deployment; empty for one that somebody else made."""
    payload = said.get("payload")
    return str(payload.get("run", "")) if isinstance(payload, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _number(said: Any) -> int:
    return int(said["id"])
