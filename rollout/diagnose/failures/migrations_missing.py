"""verify does not find a migration in the database that the release's code was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.diagnose.failure import NOTICED, Failure, Told

if TYPE_CHECKING:
    from rollout.model.seen import Evidence

RULE = "migrations-in-the-database"
"""The name of verify's own finding, as `rollout.decide.verify` gives it."""


def _look(evidence: Evidence) -> Told | None:
    found = next((one for one in evidence.findings if one.rule == RULE), None)
    if found is None or not evidence.is_a("VerificationFailed"):
        return None
    environment = evidence.around.environment
    return Told(
        cause="the database does not hold all migrations of the release that serves: it was "
        "restored to an earlier time, rows of its migrations table were deleted, or the worker "
        "looks into another database than the application's",
        seen=found.consequence,
        next_step="See which database the worker looks into (docs/failures.md, "
        "migrations-missing), and whether it was restored. Where it is the right one and was, "
        "deploy the version again: what is missing is planned and applied anew. Where only rows "
        "were deleted, put them back before: their files would be applied a second time.",
        commands=(
            evidence.gcloud(f"secrets versions list {evidence.around.cloud.database_url_in}"),
            *evidence.on_cloud_sql(evidence.on_sql("operations list")),
            f"bin/trigger deploy --environment {environment} --commit SHA --dry-run",
        ),
        impact=NOTICED,
    )


FAILURE = Failure("migrations-missing", _look)
