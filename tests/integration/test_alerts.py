"""Cloud Monitoring's alerts, through Google's own client: open, closed, and not to be had."""

from __future__ import annotations

from typing import Any

import google_auth_httplib2
import pytest
from googleapiclient import discovery

from rollout.errors import AlertsUnavailable
from rollout.executors.alerts import NEWEST, Alerts
from rollout.model.alert import Alert
from tests.support.alerts import PROJECT, alerts, opened, shown
from tests.support.google import credentials

pytestmark = pytest.mark.rehearsal

NOBODY = "https://127.0.0.1:9"


def at(minute: int) -> str:
    return f"2026-11-25T12:{minute:02d}:00.123456789Z"


def test_the_newest_are_read_open_or_not():
    with opened(shown("Disk", at(1)), shown("Uptime", at(3)), shown("Memory", at(2), at(4))):
        seen = alerts().newest()

    assert seen == (
        Alert("Uptime", at(3)),
        Alert("Memory", at(2), at(4)),
        Alert("Disk", at(1)),
    )
    assert alerts().newest() == ()


def test_a_project_with_many_shows_those_that_opened_last():
    many = [
        shown(f"policy {number}", f"2026-11-{number // 24 + 1:02d}T{number % 24:02d}:00:00Z")
        for number in range(NEWEST + 5)
    ]
    with opened(*many):
        seen = alerts().newest()

    assert [one.policy for one in seen] == [f"policy {n}" for n in range(NEWEST + 4, 4, -1)]


def test_a_missing_permission_is_named():
    with opened(denied=True), pytest.raises(AlertsUnavailable) as raised:
        alerts().newest()

    assert raised.value.true == (
        "Cloud Monitoring does not show the alerts of trovella-prod: HTTP 403: "
        "Permission denied (or the resource may not exist). (needed: monitoring.alerts.list)"
    )
    assert "roles/monitoring.viewer" in raised.value.next_step


def test_a_google_that_does_not_answer_is_told():
    http = google_auth_httplib2.AuthorizedHttp(credentials())
    asked = {"http": http, "client_options": {"api_endpoint": NOBODY}, "cache_discovery": False}

    with pytest.raises(AlertsUnavailable, match="Cloud Monitoring cannot be asked"):
        Alerts(PROJECT, discovery.build("monitoring", "v3", **asked)).newest()


def test_a_login_that_google_does_not_take_is_to_be_renewed():
    from google.oauth2.credentials import Credentials

    unknown: Any = Credentials(token="of-yesterday")
    http = google_auth_httplib2.AuthorizedHttp(unknown, max_refresh_attempts=0)

    with pytest.raises(AlertsUnavailable, match="HTTP 401") as raised:
        Alerts(PROJECT, discovery.build("monitoring", "v3", http=http)).newest()

    assert raised.value.next_step == "Renew the credentials of the gcp-project block."
