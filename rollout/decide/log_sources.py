"""Says whose logs are compared with whose: each service now, and who did its work before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.ledger import read_ledger
from rollout.model.layout import release_service
from rollout.render.compose import services_of

if TYPE_CHECKING:
    from rollout.model.host import HostFacts
    from rollout.model.release import Release


@dataclass(frozen=True, slots=True)
class LogSources:
    """What to read.

    Attributes:
        activated_at: When the release was made to serve, ISO 8601, by the host's clock.
        containers: For each service its name, the container that runs it now, and the one that ran
            it before; empty where there is none.
    """

    activated_at: str
    containers: tuple[tuple[str, str, str], ...]


def log_sources(facts: HostFacts, release: Release, service: str) -> LogSources | None:
    """Return whose logs tell of a release; None when the ledger does not say since when it serves.

    Args:
        facts: What was read of the host after the activation.
        release: What serves.
        service: The compose service that is switched; it is called so whichever release it is.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    served = [one for one in read_ledger(facts.ledger).entries if one.event == "activated"]
    if not served or served[-1].release != release.number:
        return None
    own = release_service(service, release.number)
    earlier = [one.release for one in served if one.release != release.number]
    former = facts.container(release_service(service, earlier[-1])) if earlier else None
    containers: list[tuple[str, str, str]] = []
    for name in services_of(facts.compose):
        one = facts.container(name)
        now = one.name if one else ""
        if name == own:
            containers.append((service, now, former.name if former else ""))
        else:
            containers.append((name, now, now))
    return LogSources(served[-1].at, tuple(containers))
