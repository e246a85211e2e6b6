"""What a host's facts say of its releases: which it has, which serves, what number comes next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.commands.host import checksum
from rollout.errors import ConfigInvalid
from rollout.ledger import read_ledger
from rollout.model.layout import release_number
from rollout.render.release import parse_release

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.ledger import LedgerState
    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release


def releases_on(facts: HostFacts) -> tuple[Release, ...]:
    """Return the releases whose folders a host has, by number.

    A folder whose description cannot be read is no release: an upload that was cut off leaves one.
    """
    found: list[Release] = []
    for number in sorted(facts.releases):
        try:
            found.append(parse_release(facts.releases[number]))
        except ConfigInvalid:
            continue
    return tuple(found)


def release_on(facts: HostFacts, number: int | None) -> Release | None:
    """Return the release with this number as the host's folder describes it; None without one."""
    return next((one for one in releases_on(facts) if one.number == number), None)


def serving_release(facts: HostFacts, service: str) -> int | None:
    """Return the release that the proxy sends requests to; None before the first one."""
    return release_number(service, facts.live)


def release_to_return_to(
    facts: HostFacts, release: Release, service: str, run_id: str = ""
) -> int | None:
    """Return the release to go back to when this one is not seen serving; None when there is none.

    As a rule that is what serves now. Where this one does already, because an earlier try switched
    to it and was cut, it is the last other one that was made to serve and is still there; and none
    where this one was seen serving before, unless the run that asks has activated it itself. What
    an earlier run of the same version was cut over, so that nobody has seen it serve, is no way
    back from that version either: then it is the last of another version that was verified.

    Args:
        facts: What was read of the host, before the activation.
        release: What is to be activated.
        service: The compose service that is switched.
        run_id: The run that asks: what an earlier try of its own has seen serving on this host is
            not settled for the target. Empty for none.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    serving = serving_release(facts, service)
    state = read_ledger(facts.ledger)
    if serving != release.number:
        seen_before = _last_of_another_version(facts, release, state)
        return seen_before if _is_unseen_twin(facts, release, serving, state) else serving
    if served_before(facts, release, service, run_id):
        return None
    served = (one.release for one in reversed(state.entries) if one.event == "activated")
    return next((one for one in served if one != serving and one in facts.releases), None)


def _is_unseen_twin(
    facts: HostFacts, release: Release, serving: int | None, state: LedgerState
) -> bool:
    """Return whether what serves is the same version, and was never seen serving."""
    other = release_on(facts, serving)
    if other is None or other.version != release.version:
        return False
    never = not state.was_seen(other.number)
    return never and _last_of_another_version(facts, release, state) is not None


def _last_of_another_version(facts: HostFacts, release: Release, state: LedgerState) -> int | None:
    verified = (one for one in reversed(state.good) if one in facts.releases)
    return next((one for one in verified if state.versions[one] != release.version.sha), None)


def served_before(facts: HostFacts, release: Release, service: str, run_id: str = "") -> bool:
    """Return whether a release serves, and was seen serving before the run that asks.

    Args:
        facts: What was read of the host, before the activation.
        release: The release.
        service: The compose service that is switched.
        run_id: The run that asks; empty for none.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    if serving_release(facts, service) != release.number:
        return False
    state = read_ledger(facts.ledger)
    own = bool(run_id) and state.activated_by(release.number) == run_id
    # A rollback that was cut behind its switch has said nothing yet: the ledger is at another one.
    is_said = state.current == release.number
    return is_said and state.stage(release.number) == "verified" and not own


def release_to_activate(
    facts: HostFacts,
    draft: Release,
    render: Callable[[Release], tuple[RemoteFile, ...]],
    service: str,
    taken: int = 0,
) -> tuple[Release, tuple[RemoteFile, ...]]:
    """Return the release that a deploy is to activate, with its files.

    Deploying what serves already is no new release, and a run that was killed and goes on takes up
    its own unfinished one. Either is taken as it stands, and only while it says the same as the
    draft, and its files would be the same: a release that lies on a host never becomes another.

    Args:
        facts: What was read of the host.
        draft: What is to be deployed; its number does not matter.
        render: Gives a release's files.
        service: The compose service that is switched.
        taken: The highest number that another host of the target has given; 0 for none.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    for known in reversed(releases_on(facts)):
        serves = known.number == facts.current == serving_release(facts, service)
        if serves or (draft.run_id and known.run_id == draft.run_id):
            files = render(known)
            if says_the_same(known, draft) and _has(facts, files, known.number):
                return known, files
    release = replace(draft, number=next_release_number(facts, taken))
    return release, render(release)


def says_the_same(one: Release, other: Release) -> bool:
    """Return whether two releases differ only in when, why and by whom they were made."""
    return _content(one) == _content(other)


def _content(release: Release) -> tuple[object, ...]:
    return (
        release.version,
        release.image,
        release.migrations,
        release.secret_versions,
        release.contract,
    )


def _has(facts: HostFacts, files: tuple[RemoteFile, ...], number: int) -> bool:
    folder = f"releases/{number}"
    return all(
        facts.files.get(f"{folder}/{file.path.rsplit('/', 1)[-1]}") == checksum(file)
        for file in files
    )


def next_release_number(facts: HostFacts, taken: int = 0) -> int:
    """Return the number for a new release; one that was ever given is not given again.

    Args:
        facts: What was read of the host.
        taken: The highest number that another host of the target has given; 0 for none.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    used = {*facts.releases, *read_ledger(facts.ledger).stages}
    used |= {one.release for one in facts.containers if one.release is not None}
    return max((taken, *used)) + 1
