"""Decides whether what was seen from outside, and on the host, is the release.

An HTTP status proves nothing: the application answers 200 while its database is down. The body's
own word is asked for, and its version. A body that names no version is identified by the header
that the proxy adds, and by the digest of the container that this header names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.finding import Check, Finding, Go, Refuse, Verdict
from rollout.model.layout import release_service
from rollout.render.compose import checked_services, jobs_of, services_of

if TYPE_CHECKING:
    from rollout.config import Application, Verify
    from rollout.model.host import Container, HostFacts
    from rollout.model.probe import ProbeReport
    from rollout.model.release import Release

_NOTHING = "nothing"


def judge(
    report: ProbeReport,
    facts: HostFacts,
    release: Release,
    application: Application,
    verify: Verify,
    database: Verdict,
) -> Verdict:
    """Return whether a release serves at its own version, with everything that was looked at.

    Args:
        report: What the public address answered.
        facts: What was read of the host after the activation.
        release: What shall serve.
        application: How the application stands in its compose file.
        verify: What must be seen.
        database: Whether it holds the migrations that the release's code expects.
    """
    service = release_service(application.service, release.number)
    checks = (
        _status(report, verify),
        _identity(report, release, service),
        *_on_host(facts, release, service),
        _migrations(database, release),
        *_containers(facts),
    )
    findings = tuple(_finding(check, report.url) for check in checks if not check.ok)
    return Refuse(findings, checks) if findings else Go((), checks)


def _status(report: ProbeReport, verify: Verify) -> Check:
    seen = report.status or report.problem or _NOTHING
    if report.http_status is not None:
        seen = f"{seen} (HTTP {report.http_status})"
    return Check("health from outside", verify.healthy, seen, report.status == verify.healthy)


def _identity(report: ProbeReport, release: Release, service: str) -> Check:
    if report.version:
        expected, seen = release.version.sha, report.version
        return Check("version from outside", expected, seen, seen == expected)
    seen = report.upstream or _NOTHING
    return Check("release from outside, by the proxy's header", service, seen, seen == service)


def _migrations(database: Verdict, release: Release) -> Check:
    missing = ", ".join(finding.where for finding in database.findings)
    expected = f"all {len(release.migrations)} of the release"
    if isinstance(database, Refuse):
        return Check("migrations in the database", expected, f"without {missing}", ok=False)
    return Check("migrations in the database", expected, expected, ok=True)


def _on_host(facts: HostFacts, release: Release, service: str) -> tuple[Check, ...]:
    container = facts.container(service)
    reference = container.reference if container else _NOTHING
    current = str(facts.current or _NOTHING)
    return (
        Check("live release on the host", service, facts.live or _NOTHING, facts.live == service),
        Check("current release on the host", str(release.number), current, _same(facts, release)),
        Check(
            "image of its container",
            release.image.reference,
            reference,
            reference == release.image.reference,
        ),
    )


def _same(facts: HostFacts, release: Release) -> bool:
    return facts.current == release.number


def _containers(facts: HostFacts) -> tuple[Check, ...]:
    """Return one check a service of the current compose file."""
    healthy, jobs = checked_services(facts.compose), jobs_of(facts.compose)
    checks: list[Check] = []
    for name in services_of(facts.compose):
        one = facts.container(name)
        if name in jobs:
            checks.append(_job(name, one))
            continue
        expected = "running, healthy" if name in healthy else "running"
        seen = ", ".join(filter(None, (one.status, one.health))) if one else _NOTHING
        well = one is not None and one.serves and (name not in healthy or one.health == "healthy")
        checks.append(Check(f"container {name}", expected, seen, well))
    return tuple(checks)


def _job(name: str, one: Container | None) -> Check:
    """Return the check of a service that does its work and ends."""
    seen = _NOTHING if one is None else f"{one.status} ({one.exit_code})"
    return Check(f"container {name}", "exited (0)", seen, one is not None and one.has_done)


def _finding(check: Check, url: str) -> Finding:
    outside = "from outside" in check.name
    return Finding(
        check.name.replace(" ", "-"),
        f"{check.name}: expected {check.expected}, seen {check.seen}",
        url if outside else "the host",
        "Read the log of the web container and of the proxy around this time."
        if outside
        else "Look at `docker ps --all` on the host, and at the container's log.",
    )
