"""Google does not let the Cloud SQL Auth Proxy through to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told, last
from rollout.model.cloud_sql import ProxyMeaning, judge_proxy

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_CAUSES: dict[ProxyMeaning, tuple[str, str]] = {
    "no-login": (
        "the worker's Google login has expired, or there is none",
        "Renew the credentials of the project's block, or give the worker's machine a service "
        "account.",
    ),
    "forbidden": (
        "the worker's account may not reach the database's instance",
        "Give it roles/cloudsql.client on the instance's project, and see that the Cloud SQL Admin "
        "API is enabled there.",
    ),
    "no-instance": (
        "there is no instance of the name that the database's block says",
        "Correct its cloud_sql: project:region:instance.",
    ),
    "unknown": ("the proxy to the database was refused", "Correct what its last lines name."),
}


def _look(evidence: Evidence) -> Told | None:
    if not evidence.is_a("DatabaseProxyRefused"):
        return None
    cause, next_step = _CAUSES[judge_proxy(evidence.true)]
    return Told(
        cause=cause,
        seen=last(tuple(evidence.true.splitlines())),
        next_step=next_step,
        commands=(evidence.doctor, evidence.gcloud("sql instances list")),
        impact=SERVES_ON,
    )


FAILURE = Failure("database-proxy-refused", _look)
