"""Which alerts of the monitoring say something of a release."""

from __future__ import annotations

import pytest

from rollout.decide.alerts import alert_checks
from rollout.limits import Limits
from rollout.model.alert import Alert

BEFORE, SINCE, AFTER = "2026-11-25T12:59:30.5Z", "2026-11-25T13:00:00Z", "2026-11-25T13:00:40Z"
REFUSING = Limits(alerts="refuse", alerts_ignored=("Disk",))


@pytest.mark.parametrize(
    ("alerts", "seen", "weight"),
    [
        pytest.param((), "none open", None, id="no alert was ever opened"),
        pytest.param((Alert("Uptime", BEFORE),), "none open", None, id="it opened before"),
        pytest.param(
            (Alert("Uptime", AFTER), Alert("Memory", AFTER)),
            "open: Memory, Uptime",
            "refuse",
            id="two opened since",
        ),
        pytest.param((Alert("Disk", AFTER),), "none open", None, id="its policy does not count"),
        pytest.param(
            (Alert("Uptime", AFTER, "2026-11-25T13:02:00Z"),),
            "none open; closed again: Uptime",
            None,
            id="it opened since and closed again",
        ),
        pytest.param(
            (Alert("Uptime", AFTER), Alert("Uptime", BEFORE, "2026-11-25T13:00:20Z")),
            "open: Uptime, as before the activation",
            "warn",
            id="it was open at the activation, and is open again",
        ),
        pytest.param(
            (Alert("Uptime", AFTER), Alert("Uptime", BEFORE, "2026-11-25T12:59:50Z")),
            "open: Uptime",
            "refuse",
            id="it had closed before the activation",
        ),
    ],
)
def test_what_opened_since_the_activation_counts(
    alerts: tuple[Alert, ...], seen: str, weight: str | None
):
    (check,) = alert_checks(alerts, SINCE, 0.0, REFUSING)

    assert (check.seen, None if check.ok else check.weight) == (seen, weight)


def test_the_activation_is_taken_at_the_monitorings_time():
    """A host whose clock is 60 s ahead activated at 12:59."""
    (check,) = alert_checks((Alert("Uptime", BEFORE),), SINCE, 60.0, REFUSING)

    assert check.seen == "open: Uptime"


def test_nobody_knows_since_when_it_serves():
    assert alert_checks((Alert("Uptime", AFTER),), "", 0.0, REFUSING) == ()
