"""Reads Cloud Monitoring's alerts, through Google's own client.

Source: Cloud Monitoring API v3, `projects.alerts.list`; `monitoring.alerts.list` is in the role
`roles/monitoring.viewer` (read 2026-11-25).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError  # pyright: ignore[reportMissingTypeStubs]

from rollout.errors import AlertsUnavailable
from rollout.executors.google_login import refuses_login
from rollout.model.alert import Alert

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_TIMEOUT_S = 5.0
"""How long one request may take, in seconds."""
NEWEST = 100
"""How many alerts are read: those that opened last."""
_TRIES_AGAIN = 1
_UNREACHABLE = (httplib2.HttpLib2Error, OSError, GoogleAuthError)
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_RENEW = "Renew the credentials of the gcp-project block."


class Alerts:
    """The alerts of one Google Cloud project.

    Args:
        project: The project's id.
        client: Google's client of `monitoring`, version v3, with its credentials.
    """

    def __init__(self, project: str, client: Any) -> None:
        self._project = project
        self._client = client

    def newest(self) -> tuple[Alert, ...]:
        """Return the alerts that opened last, the newest first, open or not.

        Raises:
            AlertsUnavailable: When Google cannot be asked, or does not let us ask.
        """
        asked = (
            self._client.projects()
            .alerts()
            .list(parent=f"projects/{self._project}", orderBy="open_time desc", pageSize=NEWEST)
        )
        try:
            told = asked.execute(num_retries=_TRIES_AGAIN)
        except HttpError as error:
            raise self._refused(error) from error
        except _UNREACHABLE as error:
            raise AlertsUnavailable(
                f"Cloud Monitoring cannot be asked: {type(error).__name__}: {error}",
                next_step=_RENEW if refuses_login(error) else "Check that Google answers.",
            ) from error
        return tuple(_alert(one) for one in told.get("alerts", ()))

    def _refused(self, error: Any) -> AlertsUnavailable:
        status = int(error.resp.status)
        roles = (
            f"Give the worker's account roles/monitoring.viewer on project {self._project}, "
            "and see that the Cloud Monitoring API is enabled there."
        )
        needed = " (needed: monitoring.alerts.list)" if status == _FORBIDDEN else ""
        return AlertsUnavailable(
            f"Cloud Monitoring does not show the alerts of {self._project}: HTTP {status}: "
            f"{error.reason}{needed}",
            next_step=_RENEW if status == _UNAUTHORIZED else roles,
        )


def _alert(said: Mapping[str, Any]) -> Alert:
    policy: Mapping[str, Any] = said.get("policy", {})
    return Alert(
        policy=str(policy.get("displayName") or policy.get("name", "a policy without a name")),
        opened_at=str(said["openTime"]),
        closed_at=str(said.get("closeTime", "")),
    )
