"""Judges what a public address is like: what this release broke refuses, what was so before warns.

A dependency that was down already before the switch says nothing about the release, and going back
from it would not help. Without a look from before, the release is held to all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.finding import Check, Weight
from rollout.model.outside import percentile_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.config import Verify
    from rollout.limits import Limits
    from rollout.model.outside import Dependency, Outside, Tls
    from rollout.model.probe import ProbeReport

_NOTHING = "nothing"
_AS_BEFORE = ", as before the activation"


def is_no_worse(status: str, dependencies: tuple[Dependency, ...], before: Outside | None) -> bool:
    """Return whether a body that is not healthy says no more than it did before the activation.

    Args:
        status: `status` of the body.
        dependencies: What it says of each dependency.
        before: What the address was like then; None lets nothing pass.
    """
    if before is None or not status:
        return False
    failing = frozenset(one.name for one in dependencies if not one.ok)
    return failing <= before.failing if failing else status == before.status


def health_checks(report: ProbeReport, verify: Verify, before: Outside | None) -> Iterator[Check]:
    """Yield the checks of the health body: its own word, and each dependency that it names.

    Args:
        report: What the address answered at last.
        verify: What must be seen.
        before: What the address was like before the activation; None when nobody looked.
    """
    seen = report.status or report.problem or _NOTHING
    if report.http_status is not None:
        seen = f"{seen} (HTTP {report.http_status})"
    well = report.status == verify.healthy
    tolerated = not well and is_no_worse(report.status, report.dependencies, before)
    yield _weighed("health from outside", verify.healthy, seen, well, tolerated=tolerated)
    failed_before = before.failing if before else frozenset[str]()
    for one in report.dependencies:
        yield from _dependency(one, verify.limits, failed_before, before)


def _dependency(
    one: Dependency, limits: Limits, failed_before: frozenset[str], before: Outside | None
) -> Iterator[Check]:
    took = "" if one.latency_ms is None else f" in {one.latency_ms:.0f} ms"
    known = {each.name: each for each in before.dependencies} if before else {}
    within = one.latency_ms is None or one.latency_ms <= limits.dependency_ms
    was = known.get(one.name)
    slow_before = was is not None and (was.latency_ms or 0) > limits.dependency_ms
    tolerated = one.name in failed_before or (one.ok and slow_before)
    yield _weighed(
        f"dependency {one.name} from outside",
        f"ok within {limits.dependency_ms:g} ms",
        f"{'ok' if one.ok else 'not ok'}{took}",
        one.ok and within,
        tolerated=tolerated,
    )


def address_checks(now: Outside, before: Outside | None, limits: Limits) -> tuple[Check, ...]:
    """Return the checks of the address itself: certificate, protocols, redirects, speed.

    Args:
        now: What it is like.
        before: What it was like before the activation; None when nobody looked.
        limits: What it must keep within.
    """
    return (
        *(_tls_checks(now.tls, before.tls if before else None, limits) if now.tls else ()),
        *_redirect_checks(now),
        *(_speed_checks(now, before, limits) if limits.requests else ()),
    )


def _tls_checks(tls: Tls, before: Tls | None, limits: Limits) -> Iterator[Check]:
    def holds(one: Tls) -> bool:
        enough = one.days_left is not None and one.days_left >= limits.certificate_days
        return enough and not one.problem

    seen = tls.problem or (_NOTHING if tls.days_left is None else f"{tls.days_left:.1f} days")
    yield _weighed(
        "certificate from outside",
        f"valid for {limits.certificate_days:g} days more",
        seen,
        holds(tls),
        tolerated=before is not None and not holds(before),
    )
    if not tls.problem:
        spoken = "HTTP/2" if tls.protocol == "h2" else tls.protocol or _NOTHING
        well = tls.protocol == "h2"
        yield Check("protocol from outside", "HTTP/2", spoken, well, "warn")


def _redirect_checks(now: Outside) -> Iterator[Check]:
    if now.tls is not None and now.tls.protocol == "h2":
        offered = "offered" if now.offers_http3 else "not offered"
        yield Check("HTTP/3 from outside", "offered", offered, now.offers_http3, "warn")
    if now.redirect:
        told = f"a redirect to {now.redirect}, not followed"
        yield Check("answer from outside", "an answer", told, ok=False)
    if now.plain:
        well = " to https://" in now.plain
        yield Check("plain HTTP from outside", "sent on to HTTPS", now.plain, well, "warn")


def _speed_checks(now: Outside, before: Outside | None, limits: Limits) -> Iterator[Check]:
    sent = len(now.latencies_ms) + now.lost
    if not sent:
        return
    yield _weighed(
        "requests answered from outside",
        f"all of {sent}",
        f"{len(now.latencies_ms)} of {sent}",
        now.lost == 0,
        tolerated=before is not None and before.lost >= now.lost,
    )
    bounds = (("p50", 0.5, limits.p50_ms), ("p95", 0.95, limits.p95_ms), ("max", 1, limits.max_ms))
    for name, part, most_ms in bounds:
        took_ms = percentile_ms(now.latencies_ms, part)
        if took_ms is None:
            continue
        took_before_ms = percentile_ms(before.latencies_ms, part) if before else None
        yield _weighed(
            f"latency {name} from outside",
            f"at most {most_ms:g} ms",
            f"{took_ms:.0f} ms",
            took_ms <= most_ms,
            tolerated=took_before_ms is not None and took_before_ms > most_ms,
        )


def _weighed(name: str, expected: str, seen: str, well: bool, *, tolerated: bool) -> Check:  # noqa: FBT001
    """Return a check that only warns where the same was so before."""
    weight: Weight = "warn" if tolerated else "refuse"
    told = f"{seen}{_AS_BEFORE}" if tolerated and not well else seen
    return Check(name, expected, told, well, weight)
