"""Decides whether a version may be deployed that somebody has left by a rollback.

The next merge, or a retried run, must not bring broken code back behind the back of whoever left it
at night. A rollback to the version itself, forward again, ends its quarantine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.accepted import unless_accepted
from rollout.decide.releases import release_on, serving_release
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Go, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

    from rollout.model.host import HostFacts
    from rollout.model.release import Release, Version

QUARANTINED = "version-quarantined"
"""The name by which a deploy says that it wants the version all the same."""


def judge_quarantine(ledger: str, version: Version, accepted: Collection[str]) -> Verdict:
    """Return whether a version may be deployed; the finding says who left it, when and why.

    Args:
        ledger: The whole text of the host's ledger.
        version: What is to be deployed.
        accepted: What the request takes upon itself; `QUARANTINED` is what matters here.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    last = read_ledger(ledger).last_said(version.sha)
    if last is None or last.event != "rolled-back":
        return Go()
    left = (
        f"release {last.release} ({version.short}) was left by a rollback at {last.at} "
        f"by {last.actor or 'nobody named'}: {last.reason or 'no reason given'}"
    )
    place = "the host's ledger"
    advice = (
        "Deploy the commit that repairs it; roll back to it, if it was not to blame; or deploy it "
        f"all the same with `accept` naming {QUARANTINED}."
    )
    finding = Finding(QUARANTINED, left, place, advice)
    return unless_accepted(finding, accepted, "Watch what it does.")


def newly_left(
    facts: HostFacts, leaves: int | None, release: Release, service: str
) -> Release | None:
    """Return the release that a rollback leaves on a host.

    None where its ledger says so already, and where the release never came to serve, as on one of
    several hosts that a deploy did not get to: there is nothing that is left.

    Args:
        facts: What was read of the host, before it was switched.
        leaves: The number of what is left; None leaves nothing.
        release: What serves instead.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    left = release_on(facts, leaves)
    if left is None or left.number == release.number:
        return None
    state = read_ledger(facts.ledger)
    serves = left.number in (serving_release(facts, service), facts.current)
    is_said = state.stage(left.number) == "rolled-back"
    return left if (serves or state.served(left.number)) and not is_said else None
