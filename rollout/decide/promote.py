"""Decides what a promotion takes over: a release that is verified where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.image import image_tag
from rollout.decide.releases import release_on, releases_on, serving_release
from rollout.decide.rollback import names_release
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.promotion import Promoted, Prospect

if TYPE_CHECKING:
    from rollout.ledger import LedgerState, Stage
    from rollout.model.host import HostFacts
    from rollout.model.ready import Ready
    from rollout.model.release import Release

_STAGES: dict[Stage, str] = {
    "failed": "was not seen serving there",
    "rolled-back": "was left there by a rollback",
}


def choose_promoted(
    facts: HostFacts, source: str, wanted: str = "", service: str = "web"
) -> Promoted | Refuse:
    """Return the release that is promoted, or why there is none.

    Args:
        facts: What was read of the host that it comes from.
        source: The environment that it comes from.
        wanted: Its number there; its commit in 7 to 40 digits; or both, as lists have them; empty
            takes the one that serves.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    state = read_ledger(facts.ledger)
    release = _wanted(facts, state, wanted, service)
    if release is None:
        what = f"release {wanted}" if wanted else "release that serves"
        return _refuse("release-in-source", f"{source} has no {what}", source, facts)
    stage = state.stage(release.number)
    if stage != "verified":
        why = _STAGES.get(stage, "was not verified there")
        told = f"release {release.number} of {source} ({release.version.short}) {why}"
        return _refuse("verified-in-source", told, source, facts)
    last = state.last_said(release.version.sha)
    if last is not None and state.is_left(release.version.sha):
        told = f"release {release.number} of {source} ({release.version.short}) is of a version"
        told = f"{told} that was left there by a rollback, as release {last.release}"
        return _refuse("verified-in-source", told, source, facts)
    return Promoted(source, release.number, release.version, release.image)


def judge_promoted(
    facts: HostFacts, promoted: Promoted, environment: str, service: str, run_id: str = ""
) -> Verdict:
    """Return whether anything is to be promoted: not what serves already, and was seen to.

    One whose run was cut before it was seen serving goes on. So does a run that is retried once it
    was: hosts may be behind, and those that serve it are left as they are.

    Args:
        facts: What was read of the host that it shall go to.
        promoted: What is promoted.
        environment: The environment that it shall go to.
        service: The compose service that is switched.
        run_id: The run that asks; empty for none.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    serving = release_on(facts, serving_release(facts, service))
    if serving is None or serving.image.digest != promoted.image.digest:
        return Go()
    if read_ledger(facts.ledger).stage(serving.number) != "verified":
        return Go()
    if run_id and serving.run_id == run_id:
        return Go()
    told = f"release {serving.number} of {environment} serves it already, by the same digest"
    advice = "Nothing to do. Name another one as `release` if that was meant."
    return Refuse((Finding("serves-already", told, promoted.told, advice),))


def judge_image(promoted: Promoted, repository: str, digest: str | None) -> Verdict:
    """Return whether the registry of the environment has the very image that was verified.

    Args:
        promoted: What is promoted.
        repository: The image's name in that registry, without a tag.
        digest: What the commit's tag names there; None when there is no such tag.
    """
    if digest == promoted.image.digest:
        return Go()
    wanted, tag = promoted.image.reference, f"{repository}:{image_tag(promoted.version)}"
    copying = f"Copy it by its digest, for example with `crane copy {wanted} {tag}`"
    if digest is None:
        told = f"the registry has no image of commit {promoted.version.short}"
        advice = f"{copying}, then promote again."
        return Refuse((Finding("image-in-registry", told, tag, advice),))
    told = f"it names {digest}, and {promoted.source} has verified {promoted.image.digest}"
    advice = f"Find out who moved the tag. {copying}, or deploy to {promoted.source} again."
    return Refuse((Finding("image-differs", told, tag, advice),))


def prospect_of(ready: Ready) -> Prospect:
    """Return what would be changed by what is ready."""
    return Prospect(ready.deployed, ready.planned.tags)


def judge_prospect(approved: Prospect | None, found: Prospect) -> Verdict:
    """Return whether what would be done is still what somebody has approved.

    Args:
        approved: What was shown to them; None where nobody was asked.
        found: What would be done now.
    """
    if approved is None or approved == found:
        return Go()
    told = f"since it was approved, it became another one: {describe(found)}"
    place = f"approved: {describe(approved)}"
    advice = "Promote again, and look at the new plan."
    return Refuse((Finding("approved-plan", told, place, advice),))


def judge_answer(verdict: str, told: str, environment: str) -> Verdict:
    """Return whether somebody has approved; no answer is a no.

    Args:
        verdict: `go` or `refuse`.
        told: By whom and why, as a fragment.
        environment: The environment that was asked for.
    """
    if verdict == "go":
        return Go()
    advice = "Promote again once somebody is there who approves it."
    finding = Finding("approval", f"it was not approved ({told})", environment, advice)
    return Refuse((finding,))


def reason_of(promoted: Promoted, reason: str, approved: str) -> str:
    """Return what the ledger says of why: what was asked, where it comes from, who approved it.

    Args:
        promoted: What is promoted.
        reason: What the request says; empty for nothing.
        approved: Who approved it and why; empty where nobody was asked.

    Example:
        >>> from rollout.model.release import Image, Version
        >>> image = Image("r.example/web", "sha256:" + "a" * 64)
        >>> one = Promoted("staging", 3, Version("c0ffee" * 6 + "beef"), image)
        >>> reason_of(one, "", "ada: seen in staging")
        'promoted: release 3 of staging (c0ffeec0ffee); approved by ada: seen in staging'
    """
    by = f"approved by {approved}" if approved else ""
    return "; ".join(filter(None, (reason, f"promoted: {promoted.told}", by)))


def describe(prospect: Prospect) -> str:
    """Return what a promotion would change, as a fragment.

    Example:
        >>> describe(Prospect(None, ("0003_notes",)))
        'in the place of nothing, with the migrations 0003_notes'
    """
    former = prospect.deployed.short if prospect.deployed else "nothing"
    migrations = ", ".join(prospect.migrations)
    ending = f"with the migrations {migrations}" if migrations else "without a migration"
    return f"in the place of {former}, {ending}"


def _wanted(facts: HostFacts, state: LedgerState, wanted: str, service: str) -> Release | None:
    """Return the newest release that is meant; None when there is none."""
    if not wanted:
        return release_on(facts, serving_release(facts, service) or state.current)
    words = wanted.split()
    named = (
        one
        for one in reversed(releases_on(facts))
        if words and all(names_release(word, one.number, one.version.sha) for word in words)
    )
    return next(named, None)


def _refuse(rule: str, told: str, source: str, facts: HostFacts) -> Refuse:
    state = read_ledger(facts.ledger)
    good = [one for one in releases_on(facts) if one.number in state.good]
    known = [one for one in good if not state.is_left(one.version.sha)]
    named = ", ".join(f"{one.number} ({one.version.short})" for one in known)
    advice = (
        f"Verified there are {named}; name one of these as `release`."
        if named
        else f"Deploy a commit to {source} first."
    )
    return Refuse((Finding(rule, told, f"the ledger of {source}", advice),))
