"""Judges the monitoring's alerts: what opened since the activation, and was not open before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rollout.model.finding import Check, Weight

if TYPE_CHECKING:
    from rollout.limits import Limits
    from rollout.model.alert import Alert

ALERTS = "alerts since the activation"
"""Name of the check, and of the part of the evidence."""
LEADS_TO: dict[str, Weight] = {"warn": "warn", "inconclusive": "unknown", "refuse": "refuse"}
"""From `alerts` under `[verify.limits]` to what an open alert leads to."""
_NONE_OPEN = "none open"


def alert_checks(
    alerts: tuple[Alert, ...], activated_at: str, host_ahead_s: float, limits: Limits
) -> tuple[Check, ...]:
    """Return the check of the alerts; none when nobody says since when the release serves.

    An alert of a policy that was open when the release was activated says nothing of the release.

    Args:
        alerts: The newest alerts of the project.
        activated_at: When the release was made to serve, ISO 8601, by the host's clock; empty when
            that is not known.
        host_ahead_s: How far that clock is ahead of the worker's, in seconds.
        limits: What an open alert leads to, and which policies do not count.
    """
    if not activated_at:
        return ()
    since = _time(activated_at) - timedelta(seconds=host_ahead_s)
    told = _told(tuple(one for one in alerts if one.policy not in limits.alerts_ignored), since)
    weight: Weight = LEADS_TO.get(limits.alerts, "warn")
    if told.opened:
        seen = f"open: {', '.join(told.opened)}"
    elif told.open_before:
        seen, weight = f"open: {', '.join(told.open_before)}, as before the activation", "warn"
    else:
        seen = _NONE_OPEN
    if told.closed:
        seen = f"{seen}; closed again: {', '.join(told.closed)}"
    return (Check(ALERTS, _NONE_OPEN, seen, not (told.opened or told.open_before), weight),)


@dataclass(frozen=True, slots=True)
class _Told:
    opened: tuple[str, ...]
    open_before: tuple[str, ...]
    closed: tuple[str, ...]


def _told(alerts: tuple[Alert, ...], since: datetime) -> _Told:
    """Return the policies whose alerts opened since then, each once, by what became of them."""
    before = {one.policy for one in alerts if _open_at(one, since)}
    later = [one for one in alerts if _time(one.opened_at) >= since]
    still = {one.policy for one in later if not one.closed_at}
    return _Told(
        opened=tuple(sorted(still - before)),
        open_before=tuple(sorted(still & before)),
        closed=tuple(sorted({one.policy for one in later if one.closed_at} - still)),
    )


def _open_at(alert: Alert, moment: datetime) -> bool:
    if _time(alert.opened_at) >= moment:
        return False
    return not alert.closed_at or _time(alert.closed_at) >= moment


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
