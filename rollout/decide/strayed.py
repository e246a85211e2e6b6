"""Holds an environment against what its releases and its ledger say: what did somebody change?

Nothing is judged by whether it serves; that is what verify does. What was written down when a
release was made is compared with what is there now.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.decide.differences import differences
from rollout.decide.releases import releases_on
from rollout.decide.standing import container_checks, identity_checks
from rollout.errors import RolloutError
from rollout.ledger import read_ledger
from rollout.model import layout as names
from rollout.model.drift import Drift, Remembered
from rollout.model.finding import Check
from rollout.render.compose import images_of, services_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rollout.decide.migrate import Applied
    from rollout.model.contract import Contract
    from rollout.model.host import HostFacts
    from rollout.model.release import Release
    from rollout.model.secrets import Reading

SHOWN = 20
"""How many differences of the schema have rows of their own."""
KEPT = 200
"""How many differences are remembered; a Prefect variable holds no more than 5000 characters."""
_KEY_DIGITS = 16
_NOTHING = "nothing"
_SIDES = ("the live database", "the release's contract")
_HELP = {
    "file": "Make the change in the repository; the next deploy puts back what is in use.",
    "image": "Find out who changed it, and deploy the version that serves again: it puts a service "
    "back. The proxy's container is removed by hand first, at a quiet time.",
    "secret": "Run sync-secrets to give what serves the newest versions.",
    "tag": "Find out who pushes to the registry beside us.",
    "schema": "Write the change as a migration, or take it back.",
    "migrations": "Deploy the commit that has these migrations, repaired where it failed; take "
    "nothing back, and leave the text of a file that is applied in part. The schema is compared "
    "again after that.",
    "certificate": "Read the proxy's log for why the certificate was not renewed.",
    "release": "Deploy the version again: hosts that serve it already are left as they are.",
    "engine": "Nothing, when the engine was updated on purpose: it is told once.",
}
"""What to do about a check, by the first word of its name."""
_HELP_ELSE = (
    "Find out who changed it, and deploy the version that serves again. What its compose file does "
    "not name is removed by hand."
)


def host_checks(facts: HostFacts, release: Release, service: str) -> Iterator[Check]:
    """Yield whether files and containers of a host are what its current release made of them.

    Args:
        facts: What was read of the host.
        release: Its current release.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    for one in releases_on(facts):
        yield from _as_written(facts, one)
    yield from _as_published(facts, release)
    yield from identity_checks(facts, release, service)
    yield from container_checks(facts)
    yield from _images(facts)
    yield from _strangers(facts)


def further_checks(
    block: str, facts: HostFacts, own: Release, release: Release, service: str
) -> Iterator[Check]:
    """Yield whether a further host of a target has its release, and is what that made of it.

    Args:
        block: The host's block, which the checks' names end with.
        facts: What was read of it.
        own: Its current release.
        release: The first host's.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    expected, seen = (f"{one.number} ({one.version.short})" for one in (release, own))
    yield on_host(block, Check("release", expected, seen, seen == expected))
    for check in host_checks(facts, own, service):
        yield on_host(block, check)


def on_host(block: str, check: Check) -> Check:
    """Return a check with the further host that it is about at the end of its name."""
    return replace(check, name=f"{check.name} on {block}")


def _as_written(facts: HostFacts, release: Release) -> Iterator[Check]:
    """Yield whether a release's folder still says what was written into it."""
    folder = f"releases/{release.number}"
    written = dict(release.files)
    if release.contract:
        written[names.CONTRACT] = release.contract
    for name, digest in written.items():
        yield _file(facts, f"{folder}/{name}", digest, "as it was written")


def _as_published(facts: HostFacts, release: Release) -> Iterator[Check]:
    """Yield whether the files with the names that people know are the current release's."""
    folder, as_released = f"releases/{release.number}", f"as release {release.number} has it"
    published = {name: name for name in (names.COMPOSE, names.CADDYFILE, names.ENV)}
    for path, name in {**published, f"{names.PROXY}/{names.CADDYFILE}": names.CADDYFILE}.items():
        yield _file(facts, path, facts.files.get(f"{folder}/{name}", ""), as_released)


def _file(facts: HostFacts, path: str, wanted: str, expected: str) -> Check:
    found = facts.files.get(path, "")
    # The digest makes a further change another difference.
    seen = f"changed ({found[:12]})" if found else _NOTHING
    return Check(f"file {path}", expected, expected if found == wanted else seen, found == wanted)


def _images(facts: HostFacts) -> Iterator[Check]:
    """Yield whether each container was started from what the current compose file names."""
    for service, image in images_of(facts.compose).items():
        one = facts.container(service)
        if one is not None:
            reference = one.reference
            yield Check(f"image of container {service}", image, reference, reference == image)


def _strangers(facts: HostFacts) -> Iterator[Check]:
    known = services_of(facts.compose)
    for one in facts.containers:
        if one.is_up and one.service not in known:
            name = f"container {one.service or one.name}"
            yield Check(name, "not running", one.status, ok=False)


def schema_release(facts: HostFacts) -> Release | None:
    """Return the release whose contract the live schema should be; None when none has one.

    Migrations only go forward, so after a rollback that is not the current release but the one with
    the most migrations.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    entries = read_ledger(facts.ledger).entries
    reached = {one.release for one in entries if one.event in ("migrated", "activated")}
    able = [one for one in releases_on(facts) if one.contract and one.number in reached]
    return max(able, key=lambda one: (len(one.migrations), one.number), default=None)


def rows_ahead(applied: Sequence[Applied], release: Release) -> tuple[str, ...]:
    """Return the applied migrations that no release has, as people know them.

    A deploy that failed in migrate-prod leaves such, and a rollback that applied a corrective one.
    A row of Drizzle's older layout has no name. A release serves only where all of its migrations
    are applied, and rows are numbered as they come, so what is beyond that many came after it.

    Args:
        applied: The rows of the table that says what is applied.
        release: The release with the most migrations that has reached the database.
    """
    known = set(release.migrations)
    if all(row.name is not None for row in applied):
        return tuple(row.name for row in applied if row.name and row.name not in known)
    once = {(row.hash, row.created_at): row for row in reversed(applied)}
    rows = sorted(once.values(), key=lambda row: row.id)
    return tuple(f"row {row.id} (hash {row.hash[:12]})" for row in rows[len(known) :])


def schema_checks(
    live: Contract,
    recorded: Contract,
    release: int,
    ahead: Sequence[str] = (),
    begun: Sequence[str] = (),
) -> tuple[Check, ...]:
    """Return what of the live schema is not as a release recorded it; one check when all is.

    Where migrations are applied that no release has, whole or in part, the schema is theirs, and
    that is the one thing to tell: whoever took the differences back would undo them.

    Args:
        live: The contract of the database as it is.
        recorded: The contract that the release was made with.
        release: The release's number.
        ahead: The applied migrations that no release has.
        begun: The migrations of which only a part is applied.
    """
    expected = f"as release {release} recorded it"
    found = differences(live, recorded, _SIDES)
    if not found:
        return (Check("schema", expected, expected, ok=True),)
    if ahead or begun:
        theirs = (*ahead, *(f"{one} (in part)" for one in begun))
        seen = f"{', '.join(theirs)}: applied, and no release has them yet"
        return (Check("migrations without a release", "none", seen, ok=False),)
    shown = tuple(
        Check(f"schema {one.where}", expected, one.told, ok=False) for one in found[:SHOWN]
    )
    more = len(found) - SHOWN
    if more <= 0:
        return shown
    return (*shown, Check("schema", expected, f"{more} more differences", ok=False))


def secret_checks(newest: Reading, release: Release) -> Iterator[Check]:
    """Yield whether the release was made with the newest version of each secret.

    Args:
        newest: What came of reading every secret at its newest version.
        release: The current release.
    """
    made_with = release.secret_versions
    for name in sorted({*newest.values, *newest.unusable}):
        expected = f"version {made_with.get(name, 'none')}"
        unusable, value = newest.unusable.get(name), newest.values.get(name)
        seen = unusable.why if unusable else f"version {value.version if value else 'none'}"
        yield Check(f"secret {name}", expected, seen, seen == expected)


def tags_of(facts: HostFacts) -> dict[str, str]:
    """Return the tags that a rollback or a deploy relies on, each with the digest it should name.

    Args:
        facts: What was read of the host; of two builds of one version the later one counts.
    """
    return {one.version.sha: one.image.digest for one in releases_on(facts)}


def tag_checks(
    tags: Mapping[str, str],
    found: Mapping[str, str | None],
    latest: str | None,
    ledger: str,
    label: str = "latest",
) -> Iterator[Check]:
    """Yield whether the registry's tags name what the ledger says.

    Args:
        tags: Tag to the digest that it should name.
        found: Tag to the digest that it names; None for a tag that is gone.
        latest: The digest that the tag for people names; None for none.
        ledger: The ledger's text. A rollback leaves that tag, so it may name any image that was
            verified.
        label: That tag.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    for tag, digest in tags.items():
        seen = found.get(tag) or _NOTHING
        yield Check(f"tag {tag[:12]} in the registry", digest, seen, seen == digest)
    verified = {one.digest for one in read_ledger(ledger).entries if one.event == "verified"}
    if verified:
        expected, seen = "an image that was verified", latest or _NOTHING
        well = latest in verified
        yield Check(f"tag {label} in the registry", expected, expected if well else seen, well)


def engine_check(version: str, before: str) -> Check:
    """Return whether the host's engine is the one of the last look; the first look believes it."""
    seen = version or _NOTHING
    return Check("engine of the host", before or seen, seen, bool(version) and before in ("", seen))


def unseen(part: str, error: RolloutError) -> Check:
    """Return the check of a part that could not be looked at."""
    told = f"could not be looked at: {error.true.splitlines()[0]}"
    return Check(part, "looked at", told, ok=False, weight="unknown")


def decide_drift(checks: Iterable[Check], release: int, remembered: Remembered) -> Drift:
    """Return what differs, and what of it was told before.

    Args:
        checks: Everything that was looked at.
        release: The current release's number.
        remembered: What the last look kept.
    """
    ordered = tuple(sorted(checks, key=lambda check: check.ok))
    differing = tuple(check for check in ordered if not check.ok)
    known = tuple(check for check in differing if _key(check) in remembered.told)
    new = tuple(check for check in differing if check not in known)
    return Drift(release, new, known, ordered)


def to_remember(drift: Drift, engine: str) -> Remembered:
    """Return what the next look is held against: a difference that went away is news again.

    Args:
        drift: What this look came to.
        engine: Version of the host's engine.
    """
    keys = sorted(_key(check) for check in (*drift.known, *drift.new))
    return Remembered(engine, frozenset(keys[:KEPT]))


def told_of(drift: Drift, environment: str) -> RolloutError:
    """Return what is new as an error in three parts."""
    told = "; ".join(map(_told, drift.new))
    more = f" {len(drift.known)} more were told before." if drift.known else ""
    advice = (_HELP.get(one.name.split(" ")[0], _HELP_ELSE) for one in drift.new)
    return RolloutError(
        f"{environment} is not what its releases say: {told}",
        left=f"Nothing was changed; release {drift.release} is the current one.{more}",
        next_step=" ".join(dict.fromkeys(advice)),
    )


def _told(check: Check) -> str:
    if check.weight == "unknown":
        return f"{check.name} {check.seen}"
    return f"{check.name}: expected {check.expected}, seen {check.seen}"


def _key(check: Check) -> str:
    """Return what makes a difference the same one as before; how many days are left does not."""
    counts = check.weight == "unknown" or check.name.startswith("certificate")
    said = f"{check.name}\0{'' if counts else check.seen}"
    return hashlib.sha256(said.encode()).hexdigest()[:_KEY_DIGITS]
