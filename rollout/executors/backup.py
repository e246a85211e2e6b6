"""Has Cloud SQL back up an instance, through Google's own client, and waits until it has.

A backup on demand stays until somebody deletes it, also when the instance's own ones are pruned.

Source: Cloud SQL Admin API v1, `backupRuns.insert` and `operations.get`, and the permissions that
its methods need (read 2026-11-25).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httplib2
from google.api_core import retry
from google.api_core.exceptions import RetryError
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError  # pyright: ignore[reportMissingTypeStubs]

from rollout.errors import BackupFailed, BackupLate, BackupRefused, BackupUnavailable
from rollout.executors.google_login import refuses_login

if TYPE_CHECKING:
    from rollout.executors.process import Log

REQUEST_TIMEOUT_S = 30.0
"""How long one request may take, in seconds."""
_TRIES_AGAIN = 3
_FIRST_LOOK_S = 1.0
_LOOK_AGAIN_S = 15.0
_DESCRIPTION_CHARACTERS = 200
_UNAUTHORIZED, _TOO_MANY, _SERVER_ERROR = 401, 429, 500
_RENEW = "Renew the credentials of the gcp-project block, then retry."
_QUOTA = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
"""Google's reasons for refusing what may be asked again later, also under HTTP 403."""
_CREATE, _LOOK = "cloudsql.backupRuns.create", "cloudsql.instances.get"
_UNREACHABLE = (httplib2.HttpLib2Error, OSError, GoogleAuthError)


class _StillRunning(Exception):
    """Raised by a look at an operation that has not ended, so that the waiter looks again."""


class Backups:
    """The backups of one Google Cloud project.

    Args:
        project: The project's id.
        client: Google's client of `sqladmin`, version v1, with its credentials.
        log: Called with what happens.
    """

    def __init__(self, project: str, client: Any, log: Log) -> None:
        self._project = project
        self._client = client
        self._log = log

    def make(self, instance: str, description: str, timeout_s: float) -> str:
        """Have an instance backed up, wait until it is, and return the backup's id.

        Args:
            instance: The instance's name in the project.
            description: What for; people read it in the list of backups.
            timeout_s: How long the backup may take, in seconds.

        Raises:
            BackupRefused: When Google does not make it.
            BackupLate: When it has not ended within its time.
            BackupFailed: When it was begun and failed.
            BackupUnavailable: When Google cannot be asked, or not so often.
        """
        body = {"description": description[:_DESCRIPTION_CHARACTERS]}
        asked = self._client.backupRuns().insert(
            project=self._project, instance=instance, body=body
        )
        try:
            # Asked once: an answer that got lost may have begun one.
            operation = asked.execute()
        except HttpError as error:
            raise self._refused(instance, _CREATE, error) from error
        except _UNREACHABLE as error:
            raise self._unanswered(instance, error) from error
        name = str(operation["name"])
        number = str(operation.get("backupContext", {}).get("backupId", "")) or name
        self._log(f"backup {number} of {self._place(instance)} is being made")
        self._wait(instance, name, timeout_s)
        self._log(f"backup {number} of {self._place(instance)} is made")
        return number

    def _wait(self, instance: str, operation: str, timeout_s: float) -> None:
        looking = retry.Retry(
            predicate=retry.if_exception_type(_StillRunning),
            initial=_FIRST_LOOK_S,
            maximum=_LOOK_AGAIN_S,
            multiplier=1.5,
            timeout=timeout_s,
        )
        try:
            ended = looking(self._look)(operation)
        except RetryError:
            raise BackupLate(
                f"the backup of {self._place(instance)} has not ended within {timeout_s:g} s",
                left=f"Nothing was applied; operation {operation} goes on by itself.",
                next_step="Wait until it has ended, or raise backup_timeout_s, then retry.",
            ) from None
        except HttpError as error:
            raise self._refused(instance, _LOOK, error) from error
        except _UNREACHABLE as error:
            raise self._unanswered(instance, error) from error
        problems = ended.get("error", {}).get("errors", [])
        if problems:
            told = "; ".join(f"{one.get('code')}: {one.get('message', '')}" for one in problems)
            raise BackupFailed(
                f"the backup of {self._place(instance)} failed: {told}",
                next_step=f"Look at operation {operation} of the instance, then retry.",
            )

    def _look(self, operation: str) -> Any:
        request = self._client.operations().get(project=self._project, operation=operation)
        found = request.execute(num_retries=_TRIES_AGAIN)
        if found["status"] != "DONE":
            raise _StillRunning
        return found

    def _refused(self, instance: str, permission: str, error: Any) -> BackupFailed:
        """Return what Google's refusal means; its own words are kept."""
        status, words = int(error.resp.status), str(error.reason)
        if status >= _SERVER_ERROR or status == _TOO_MANY or _QUOTA & _reasons(error):
            unavailable = _unavailable(error)
            # A quota refuses under either status; what it means is one thing.
            unavailable.http_status = status if status >= _SERVER_ERROR else _TOO_MANY
            return unavailable
        steps = {
            _UNAUTHORIZED: _RENEW,
            403: f"Give the worker's account {permission} on project {self._project}, and see "
            "that the Cloud SQL Admin API is enabled there, then retry.",
            404: "Name an instance of the project in [migrations] backup_instance, and deploy "
            "the next commit.",
            409: "Another operation of the instance is in progress, maybe the backup of an "
            "earlier try: wait until it has ended, then retry.",
        }
        lacking = f" (needed: {permission})" if status == 403 else ""  # noqa: PLR2004
        refused = BackupRefused(
            f"the backup of {self._place(instance)} was refused: HTTP {status}: {words}{lacking}",
            next_step=steps.get(status, "Look at the instance in Google's console, then retry."),
        )
        refused.http_status = status
        return refused

    def _unanswered(self, instance: str, error: Exception) -> BackupFailed:
        """Return what it means that there is no answer: a token is asked for before anything."""
        if not refuses_login(error):
            return _unavailable(error)
        refused = BackupRefused(
            f"the backup of {self._place(instance)} was refused: Google does not take the worker's "
            f"login: {error}",
            next_step=_RENEW,
        )
        refused.http_status = _UNAUTHORIZED
        return refused

    def _place(self, instance: str) -> str:
        return f"{self._project}/{instance}"


def _reasons(error: Any) -> frozenset[str]:
    """Return Google's words for why it refuses; empty when the answer has none."""
    details: Any = error.error_details
    if not isinstance(details, list):
        return frozenset()
    listed = cast("list[dict[str, Any]]", details)
    return frozenset(str(one.get("reason", "")) for one in listed)


def _unavailable(error: Exception) -> BackupUnavailable:
    return BackupUnavailable(
        f"Cloud SQL's Admin API cannot be asked: {type(error).__name__}: {error}",
        left="Nothing was applied; a backup that was asked for may go on by itself.",
        next_step="Check that Google answers, then retry.",
    )
