"""The database does not let the URL's user in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import SERVES_ON, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

_STATES = ("28", "3D000", "42501")


def _look(evidence: Evidence) -> Told | None:
    elsewhere = evidence.is_a("MigrationFailed") or evidence.is_a("ScratchUnusable")
    if elsewhere or not evidence.sqlstate.startswith(_STATES):
        return None
    secret = evidence.around.cloud.database_url_in
    return Told(
        cause="the database refuses the login: wrong password, expired token, or no such database",
        seen=f"SQLSTATE {evidence.sqlstate}: {evidence.true}",
        next_step="Give the secret with the URL a new version that is right, or renew the token.",
        commands=(
            evidence.gcloud(f"secrets versions list {secret}"),
            evidence.gcloud(f"secrets versions add {secret} --data-file=-"),
        ),
        impact=SERVES_ON,
    )


FAILURE = Failure("database-login-refused", _look)
