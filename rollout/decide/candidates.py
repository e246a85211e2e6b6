"""Judges the releases of a host by the schema that is there now, each by its own contract."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.decide.may_go import OLDER
from rollout.decide.overview import overview
from rollout.decide.releases import release_on, releases_on, serving_release
from rollout.decide.rollback import names_release
from rollout.errors import ConfigInvalid
from rollout.ledger import read_ledger
from rollout.migrations.contract_json import parse_contract, text_fingerprint
from rollout.model.candidate import Candidate
from rollout.model.finding import Finding, Refuse

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.contract import Contract
    from rollout.model.host import StoredContracts
    from rollout.model.overview import Overview, ReleaseLine
    from rollout.model.release import Release

_NO_CONTRACT = (
    f"Deploy its version anew, with `accept` naming {OLDER}, to give it one, or choose a release "
    "that has one: bin/schema candidates --environment NAME names them."
)


def contract_of(stored: StoredContracts, number: int) -> Contract | Finding:
    """Return the contract of a release, or why there is none that could be judged by.

    For a release from before contracts were kept, the one of a release whose code expects exactly
    the same migrations stands in; else what was derived from its migrations.

    Args:
        stored: What was read of the host.
        number: The release.
    """
    place = f"releases/{number}/contract.json on the host"
    release = release_on(stored.facts, number)
    if release is not None and not release.contract:
        release = _same_schema(stored, release) or release
    text = None if release is None else stored.texts.get(release.number)
    if release is None:
        told = f"the host no longer has the folder of release {number}"
        return Finding("folder-gone", told, place, _NO_CONTRACT)
    if text is None:
        return _derived(stored, number, place)
    if text_fingerprint(text) != release.contract:
        told = f"the schema contract of release {number} is not the one of its release.json"
        return Finding("contract-altered", told, place, _NO_CONTRACT)
    try:
        return parse_contract(text)
    except ConfigInvalid as error:
        told = f"the schema contract of release {number} cannot be read: {error.problem}"
        return Finding("contract-unreadable", told, place, _NO_CONTRACT)


def _derived(stored: StoredContracts, number: int, place: str) -> Contract | Finding:
    """Return the contract that was derived of a release, or that it has none."""
    text = stored.derived.get(number)
    if text is not None:
        try:
            return parse_contract(text)
        except ConfigInvalid as error:
            told = f"the derived contract of release {number} cannot be read: {error.problem}"
            return Finding("contract-unreadable", told, place, _NO_CONTRACT)
    why = stored.underived.get(number, "")
    told = f"release {number} has no schema contract"
    told = f"{told}, and none could be derived: {why}" if why else told
    return Finding("no-contract", told, place, _NO_CONTRACT)


def is_derived(stored: StoredContracts, number: int) -> bool:
    """Return whether what a release is judged by was derived from its migrations."""
    release = release_on(stored.facts, number)
    own = release is not None and bool(release.contract) and number in stored.texts
    stands_in = release is not None and _same_schema(stored, release) is not None
    return number in stored.derived and not own and not stands_in


def _same_schema(stored: StoredContracts, release: Release) -> Release | None:
    """Return the newest release with a contract whose code expects the same migrations."""
    alike = (
        one
        for one in reversed(releases_on(stored.facts))
        if one.contract and one.migrations == release.migrations and one.number in stored.texts
    )
    return next(alike, None)


def serving_contract(stored: StoredContracts, service: str) -> Contract | Finding:
    """Return the contract of the release that serves, or why there is none to judge by.

    Args:
        stored: What was read of the host.
        service: The compose service that is switched.
    """
    number = serving_release(stored.facts, service)
    if number is not None:
        return contract_of(stored, number)
    told = "the host serves no release that was deployed from here"
    return Finding("no-contract", told, "the host", "Nothing to do: this deploy makes one.")


def judge_candidates(
    stored: StoredContracts, live: Contract, settings: Environment
) -> tuple[Candidate, ...]:
    """Return the releases of the ledger, newest first, judged by a schema; empty on a bare host.

    Args:
        stored: What was read of the host.
        live: The contract of the database as it is.
        settings: The environment.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    told, ledger = overview(stored.facts, settings), read_ledger(stored.facts.ledger)
    made = (_candidate(stored, live, one, told) for one in told.releases)
    return tuple(replace(one, served=ledger.served(one.release.number)) for one in made)


def _candidate(
    stored: StoredContracts, live: Contract, line: ReleaseLine, told: Overview
) -> Candidate:
    contract = contract_of(stored, line.number)
    judged = contract if isinstance(contract, Finding) else compatible(contract, live)
    return Candidate(line, line.number == told.live, judged)


def find_release(
    stored: StoredContracts, wanted: str, settings: Environment
) -> ReleaseLine | Refuse:
    """Return the release that a person names, the newest of several.

    Args:
        stored: What was read of the host.
        wanted: Its number, or its commit in 7 to 40 digits.
        settings: The environment.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    releases = overview(stored.facts, settings).releases
    for one in releases:
        if names_release(wanted, one.number, one.version):
            return one
    known = ", ".join(str(one.number) for one in releases) or "none"
    return Refuse(
        (
            Finding(
                "release-on-host",
                f"the ledger has no release {wanted}",
                "the host's ledger",
                f"Name one by its number or by 7 to 40 digits of its commit; it has {known}.",
            ),
        )
    )
