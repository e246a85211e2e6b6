"""The checks in the application's health body, as known failures ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.model.seen import Evidence, HealthCheckSeen

SLOW_MS = 1000.0
"""From here on a check did not pass because it took too long, in milliseconds."""
DEGRADED = "Users see the application slower or without a part: it is degraded, not down."


def failed_check(evidence: Evidence, name: str) -> HealthCheckSeen | None:
    """Return a check of the health body that did not pass; None when it did, or was not seen."""
    checks = evidence.outside.checks if evidence.outside else ()
    return next((one for one in checks if one.name == name and not one.ok), None)


def told_check(check: HealthCheckSeen) -> str:
    """Return a check as it stands in the body.

    Example:
        >>> from rollout.model.seen import HealthCheckSeen
        >>> told_check(HealthCheckSeen("redis", ok=False, latency_ms=5002.0))
        'redis: ok false after 5002 ms'
    """
    after = f" after {check.latency_ms:.0f} ms" if check.latency_ms is not None else ""
    return f"{check.name}: ok {str(check.ok).lower()}{after}"
