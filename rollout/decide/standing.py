"""Judges how a release stands on its host: containers, restarts, memory, images, room, clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.ledger import read_ledger
from rollout.model.finding import Check
from rollout.model.layout import release_service
from rollout.render.compose import checked_services, jobs_of, services_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.limits import Limits
    from rollout.model.host import Container, Figures, HostFacts
    from rollout.model.release import Release

_NOTHING = "nothing"
_MIB = 1024 * 1024
# ISO 8601 to the second, as both the engine and the ledger begin.
_TO_THE_SECOND = 19


def identity_checks(facts: HostFacts, release: Release, service: str) -> tuple[Check, ...]:
    """Return the checks of what the host calls live and current, and of the image that runs.

    Args:
        facts: What was read of the host.
        release: What shall serve.
        service: The compose service that is switched.
    """
    own = release_service(service, release.number)
    container = facts.container(own)
    reference = container.reference if container else _NOTHING
    wanted, current = release.image.reference, str(facts.current or _NOTHING)
    return (
        Check("live release on the host", own, facts.live or _NOTHING, facts.live == own),
        Check(
            "current release on the host",
            str(release.number),
            current,
            facts.current == release.number,
        ),
        Check("image of its container", wanted, reference, reference == wanted),
        *_digest_in_ledger(facts, release),
        *_same_image(facts, container, wanted),
    )


def _digest_in_ledger(facts: HostFacts, release: Release) -> Iterator[Check]:
    """Yield whether the ledger's last line about the release names its digest; none without one."""
    lines = [one for one in read_ledger(facts.ledger).entries if one.release == release.number]
    if lines:
        known, wanted = lines[-1].digest, release.image.digest
        yield Check("image in the ledger", wanted, known, known == wanted)


def _same_image(facts: HostFacts, container: Container | None, wanted: str) -> Iterator[Check]:
    """Yield a check only where the engine runs something else under the release's name."""
    stored = facts.images.get(wanted)
    if container and stored and container.image_id and container.image_id != stored:
        yield Check("image that runs in its container", stored, container.image_id, ok=False)


def nothing_deployed(facts: HostFacts) -> bool:
    """Return whether no release was ever made to serve on a host, so that nothing can be missed.

    Where the ledger is gone, a release's folder or container still says that there was one.

    Args:
        facts: What was read of the host; of one that was never prepared, nothing.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    entries = read_ledger(facts.ledger).entries
    if facts.live or facts.current is not None or any(one.event == "activated" for one in entries):
        return False
    there = facts.releases or any(one.release is not None for one in facts.containers)
    return bool(entries) or not there


def is_starting(facts: HostFacts) -> bool:
    """Return whether a service of the current compose file is yet to say how it is."""
    present = (facts.container(name) for name in services_of(facts.compose))
    return any(one.is_starting for one in present if one is not None)


def container_checks(facts: HostFacts) -> tuple[Check, ...]:
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
        if one and one.status != "running":
            seen = f"{seen} ({one.exit_code})"
        well = one is not None and one.serves and (name not in healthy or one.health == "healthy")
        checks.append(Check(f"container {name}", expected, seen, well))
    return tuple(checks)


def _job(name: str, one: Container | None) -> Check:
    """Return the check of a service that does its work and ends."""
    seen = _NOTHING if one is None else f"{one.status} ({one.exit_code})"
    return Check(f"container {name}", "exited (0)", seen, one is not None and one.has_done)


def stability_checks(facts: HostFacts, release: Release, limits: Limits) -> tuple[Check, ...]:
    """Return whether containers of the current compose file started again or ran out of memory.

    Args:
        facts: What was read of the host.
        release: What shall serve.
        limits: How often they may have.
    """
    since = activated_at(facts, release)
    present = [one for name in services_of(facts.compose) if (one := facts.container(name))]
    again = [one for one in present if one.restarts and _started_since(one, release, since)]
    killed = [one for one in present if one.oom_killed]
    times = sum(one.restarts for one in again)
    return (
        Check(
            "restarts since the activation",
            f"at most {limits.restarts}" if limits.restarts else "none",
            ", ".join(f"{one.service} {one.restarts}" for one in again) or "none",
            times <= limits.restarts,
        ),
        Check(
            "killed for want of memory",
            "none",
            ", ".join(one.service for one in killed) or "none",
            not any(_started_since(one, release, since) for one in killed),
        ),
    )


def activated_at(facts: HostFacts, release: Release) -> str:
    """Return when a release was made to serve last, ISO 8601, by the host's clock; else empty."""
    entries = reversed(read_ledger(facts.ledger).entries)
    return next(
        (one.at for one in entries if (one.release, one.event) == (release.number, "activated")), ""
    )


def _started_since(one: Container, release: Release, since: str) -> bool:
    """Return whether a container is the release's own, or was last started after it served."""
    if one.release == release.number:
        return True
    return bool(since) and one.started_at[:_TO_THE_SECOND] >= since[:_TO_THE_SECOND]


def room_checks(figures: Figures, clock_skew_s: float | None, limits: Limits) -> tuple[Check, ...]:
    """Return whether the host has room left, and the right time.

    Too little memory refuses, because the release may be what takes it. A full disk and a wrong
    clock are told only: going back would change neither.
    """
    disk, memory = figures.disk_free_bytes / _MIB, figures.memory_available_bytes / _MIB
    checks = (
        Check(
            "disk free on the host",
            f"at least {limits.disk_free_mib:g} MiB",
            f"{disk:.0f} MiB",
            disk >= limits.disk_free_mib,
            "warn",
        ),
        Check(
            "memory available on the host",
            f"at least {limits.memory_available_mib:g} MiB",
            f"{memory:.0f} MiB",
            memory >= limits.memory_available_mib,
        ),
    )
    return checks if clock_skew_s is None else (*checks, _clock(clock_skew_s, limits))


def _clock(skew_s: float, limits: Limits) -> Check:
    well = abs(skew_s) <= limits.clock_skew_s
    expected = f"within {limits.clock_skew_s:g} s of the worker's"
    seen = expected if well else f"{skew_s:+.0f} s"
    return Check("clock of the host", expected, seen, well, "warn")
