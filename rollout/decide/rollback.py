"""Decides which earlier release to go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.releases import releases_on, serving_release
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Refuse

if TYPE_CHECKING:
    from rollout.model.host import HostFacts
    from rollout.model.release import Release

SHORTEST_VERSION = 7


def choose_release(
    facts: HostFacts, wanted: str | int | None = None, service: str = "web"
) -> Release | Refuse:
    """Return the release that a rollback takes up again, or why there is none.

    What serves now is what the proxy sends requests to: a run that was cut after its switch could
    not say so in the ledger.

    Args:
        facts: What was read of the host.
        wanted: A release's number, or its commit in 7 to 40 digits, which is also its image's tag;
            None or empty means the last good one before the current.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    state = read_ledger(facts.ledger)
    releases = releases_on(facts)
    serving = serving_release(facts, service) or state.current
    if wanted in (None, ""):
        return _previous_good(state.last_good_but(serving), releases)
    candidates = [
        release
        for release in releases
        if names_release(str(wanted), release.number, release.version.sha)
    ]
    served = [one for one in candidates if state.served(one.number)]
    if not candidates:
        return _refuse("release-on-host", f"the host has no release {wanted}", releases)
    if not served:
        return _refuse("release-served", f"release {wanted} never served here", releases)
    if served[-1].number == serving:
        return _refuse("release-earlier", f"release {serving} serves already", releases)
    return served[-1]


def _previous_good(number: int | None, releases: tuple[Release, ...]) -> Release | Refuse:
    for release in releases:
        if release.number == number:
            return release
    return _refuse("previous-good", "the host knows no good release before the current", releases)


def names_release(wanted: str, number: int, version: str) -> bool:
    """Return whether what a person typed names a release.

    Args:
        wanted: A number of less than 7 digits, or a commit in 7 to 40 digits.
        number: The release's number.
        version: Its commit, in full.
    """
    if wanted.isdecimal() and len(wanted) < SHORTEST_VERSION:
        return number == int(wanted)
    return len(wanted) >= SHORTEST_VERSION and version.startswith(wanted.lower())


def _refuse(rule: str, consequence: str, releases: tuple[Release, ...]) -> Refuse:
    known = ", ".join(f"{release.number} ({release.version.short})" for release in releases)
    return Refuse(
        (
            Finding(
                rule,
                consequence,
                "the host's ledger",
                f"The host has {known or 'no release'}; choose one of these, or deploy anew.",
            ),
        )
    )
