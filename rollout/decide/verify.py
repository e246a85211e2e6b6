"""Decides whether what was seen from outside, and on the host, is the release.

An HTTP status proves nothing: the application answers 200 while its database is down. The body's
own word is asked for, and its version. A body that names no version is identified by the header
that the proxy adds, and by the digest of the container that this header names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.alerts import ALERTS, LEADS_TO, alert_checks
from rollout.decide.logs import log_checks
from rollout.decide.outside import address_checks, health_checks
from rollout.decide.standing import (
    activated_at,
    container_checks,
    identity_checks,
    room_checks,
    stability_checks,
)
from rollout.model.finding import (
    Assessment,
    Check,
    Finding,
    Go,
    Inconclusive,
    Refuse,
    Verdict,
    Weight,
)
from rollout.model.layout import release_service

if TYPE_CHECKING:
    from rollout.config import Application, Verify
    from rollout.limits import Limits
    from rollout.model.evidence import Evidence
    from rollout.model.host import HostFacts
    from rollout.model.probe import ProbeReport
    from rollout.model.release import Release

_NOTHING = "nothing"
_LOOKED_AT, _NOT_SEEN = "looked at", "could not be looked at"
_READ_LOGS = "Read the logs; the artifact new-errors of the run shows what is new in them."
_HELP = {
    "certificate": "Read the proxy's log for why the certificate was not renewed.",
    "disk": "Free disk space on the host, or make its disk larger.",
    "clock": "Compare both clocks with a third; the worker's may be the one that is off. See "
    "whether each keeps its time by NTP.",
    "errors in": _READ_LOGS,
    "warnings in": _READ_LOGS,
    "new errors": _READ_LOGS,
    ALERTS: "Look at the alert in Cloud Monitoring; alerts_ignored under [verify.limits] leaves a "
    "policy out.",
}
"""What to do about a check, by how its name begins."""
_HELP_OUTSIDE = "Read the log of the web container and of the proxy around this time."
_HELP_HOST = "Look at `docker ps --all` on the host, and at the container's log."
HOST, DATABASE, LOGS = "the host", "migrations in the database", "logs since the activation"
"""Names of parts, for `Evidence.missing`, beside `ALERTS`; without the logs verify goes on."""


def judge(
    evidence: Evidence, release: Release, application: Application, verify: Verify
) -> Assessment:
    """Return whether a release serves at its own version, with everything that was looked at.

    What is wrong refuses. When nothing is, but a part of what decides could not be looked at, the
    answer is `Inconclusive`: nobody may take silence for health, nor for its opposite.

    Args:
        evidence: What was looked at.
        release: What shall serve.
        application: How the application stands in its compose file.
        verify: What must be seen.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    report, facts = evidence.report, evidence.facts
    before = evidence.before
    checks = (
        *health_checks(report, verify, before),
        _identity(report, release, release_service(application.service, release.number)),
        *(address_checks(evidence.outside, before, verify.limits) if evidence.outside else ()),
        *(_on_host(evidence, facts, release, application, verify) if facts else ()),
        *(_migrations(evidence.database, release) if evidence.database else ()),
        *(container_checks(facts) if facts else ()),
        *(log_checks(evidence.logs, verify.limits) if evidence.logs else ()),
        *_alerts(evidence, release, verify.limits),
        *_unseen(evidence, verify.limits),
    )
    return weigh(checks, report.url)


def weigh(checks: tuple[Check, ...], url: str) -> Assessment:
    """Return what checks lead to together: the worst of them decides.

    Args:
        checks: What was looked at, and what could not be.
        url: The address that was asked, named in findings.
    """
    wrong = [check for check in checks if not check.ok]
    told = {
        weight: tuple(_finding(check, url) for check in wrong if check.weight == weight)
        for weight in ("refuse", "unknown", "warn")
    }
    if told["refuse"]:
        return Refuse(told["refuse"], checks)
    if told["unknown"]:
        return Inconclusive((*told["unknown"], *told["warn"]), checks)
    return Go(told["warn"], checks)


def _alerts(evidence: Evidence, release: Release, limits: Limits) -> tuple[Check, ...]:
    facts = evidence.facts
    if evidence.alerts is None or facts is None:
        return ()
    ahead_s = evidence.clock_skew_s or 0.0
    return alert_checks(evidence.alerts, activated_at(facts, release), ahead_s, limits)


def _unseen(evidence: Evidence, limits: Limits) -> tuple[Check, ...]:
    """Return one check for each part that could not be looked at: most of them decide."""
    parts: list[tuple[str, object, Weight]] = [
        (HOST, evidence.facts, "unknown"),
        (DATABASE, evidence.database, "unknown"),
    ]
    if limits.alerts != "off":
        # That nobody can be asked about alerts is no alert.
        weight = "warn" if LEADS_TO[limits.alerts] == "warn" else "unknown"
        parts.append((ALERTS, evidence.alerts, weight))
    why = dict(evidence.missing)
    if LOGS in why:
        parts.append((LOGS, None, "warn"))
    return tuple(
        Check(
            part,
            _LOOKED_AT,
            ": ".join(filter(None, (_NOT_SEEN, why.get(part, "")))),
            ok=False,
            weight=weight,
        )
        for part, seen, weight in parts
        if seen is None
    )


def _identity(report: ProbeReport, release: Release, service: str) -> Check:
    if report.version:
        expected, seen = release.version.sha, report.version
        return Check("version from outside", expected, seen, seen == expected)
    seen = report.upstream or _NOTHING
    return Check("release from outside, by the proxy's header", service, seen, seen == service)


def _migrations(database: Verdict, release: Release) -> tuple[Check, ...]:
    missing = ", ".join(finding.where for finding in database.findings)
    expected = f"all {len(release.migrations)} of the release"
    lacking = isinstance(database, Refuse)
    seen = f"without {missing}" if lacking else expected
    return (Check(DATABASE, expected, seen, not lacking),)


def _on_host(
    evidence: Evidence,
    facts: HostFacts,
    release: Release,
    application: Application,
    verify: Verify,
) -> tuple[Check, ...]:
    figures = facts.figures
    room = room_checks(figures, evidence.clock_skew_s, verify.limits) if figures else ()
    return (
        *identity_checks(facts, release, application.service),
        *stability_checks(facts, release, verify.limits),
        *room,
    )


def _finding(check: Check, url: str) -> Finding:
    outside = "from outside" in check.name
    told = f"{check.name}: expected {check.expected}, seen {check.seen}"
    if check.expected == _LOOKED_AT:
        told = f"{check.name} {check.seen}"
    return Finding(
        check.name.replace(" ", "-"), told, url if outside else "the host", _help(check, outside)
    )


def _help(check: Check, outside: bool) -> str:  # noqa: FBT001
    if check.expected == _LOOKED_AT:
        return "See why it could not be looked at, then run verify again."
    place = _HELP_OUTSIDE if outside else _HELP_HOST
    return next((told for word, told in _HELP.items() if check.name.startswith(word)), place)
