"""The application that serves cannot use its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.checks import failed_check, told_check
from rollout.diagnose.failure import Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_PROXY = "cloud-sql-proxy"


def _look(evidence: Evidence) -> Told | None:
    check = failed_check(evidence, "database")
    if check is None:
        return None
    cloud = evidence.around.cloud
    next_step, commands = _on_cloud_sql(evidence) if cloud.has_sql else _elsewhere(evidence)
    return Told(
        cause="the application cannot use its database",
        seen=told_check(check),
        next_step=next_step,
        commands=commands,
        impact="Users see errors on every page that reads data.",
    )


def _on_cloud_sql(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    seen = evidence.host.containers if evidence.host else ()
    proxy = evidence.host is None or any(one.service == _PROXY for one in seen)
    logs = evidence.on_service(_PROXY, "docker logs --tail 50")
    return (
        "See whether the proxy beside it runs and whether Cloud SQL does."
        if proxy
        else "See whether Cloud SQL runs, and whether the host reaches it.",
        (*((logs,) if proxy else ()), evidence.gcloud("sql instances list")),
    )


def _elsewhere(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    around = evidence.around
    project = f"label=com.docker.compose.project={around.project}"
    return (
        "See whether the server at the host of its URL runs (the secret "
        f"{around.cloud.database_url_in} has it), and whether the application's host reaches it.",
        (evidence.on_host(f"docker ps --all --filter {project}"),),
    )


FAILURE = Failure("database-down-for-application", _look)
