"""What verify goes by."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.alert import Alert
from rollout.model.finding import Verdict
from rollout.model.host import HostFacts
from rollout.model.logs import Logs
from rollout.model.outside import Outside
from rollout.model.probe import ProbeReport


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was looked at of a release that shall serve.

    Attributes:
        report: What the public address answered.
        facts: What was read of the host after the activation; None when it could not be read.
        database: Whether it holds the migrations that the release's code expects; None when it
            could not be asked.
        outside: What the address is like by now; None when that was not looked at.
        before: The same from before the activation, when another release answered; None when
            nobody looked, or none did.
        clock_skew_s: How far the host's clock is ahead of the worker's, in seconds; None when it
            was not read.
        logs: What the services wrote since the activation and before it; None when that is not
            known.
        alerts: The newest alerts of the monitoring; None when they were not read.
        missing: Why the host, the database, the logs or the alerts could not be looked at, by the
            names that `decide.verify` gives them; empty where nothing more is known.
    """

    report: ProbeReport
    facts: HostFacts | None = None
    database: Verdict | None = None
    outside: Outside | None = None
    before: Outside | None = None
    clock_skew_s: float | None = None
    logs: Logs | None = None
    alerts: tuple[Alert, ...] | None = None
    missing: tuple[tuple[str, str], ...] = ()
