"""Decides which earlier release to go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.may_go import OLDER
from rollout.decide.releases import release_on, releases_on, serving_release
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from rollout.ledger import LedgerState
    from rollout.model.activation import Chosen
    from rollout.model.host import HostFacts
    from rollout.model.release import Release

SHORTEST_VERSION = 7
_LEDGER = "the host's ledger"


def choose_release(
    facts: HostFacts, wanted: str | int | None = None, service: str = "web"
) -> Release | Refuse:
    """Return the release that a rollback takes up again, or why there is none.

    What serves now is what the proxy sends requests to: a run that was cut after its switch could
    not say so in the ledger. The same request again takes what that run has taken, and finishes it.

    Args:
        facts: What was read of the host.
        wanted: A release's number; its commit in 7 to 40 digits, which is also its image's tag, of
            which a good release goes before any other; or both, as the UI's list has them
            (`12 c0ffee123456`); None or empty means the last good one before the current, of
            another version, that no rollback has left.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    state = read_ledger(facts.ledger)
    releases = releases_on(facts)
    serving = serving_release(facts, service) or state.current
    cut = _cut_over(facts, state, serving)
    if wanted in (None, ""):
        # What was cut was on its way to this one; one further back is nothing that anybody asked.
        return _previous_good(cut or state.good_before(serving), releases)
    words = str(wanted).split()
    named = [one for one in releases if _is_named(words, one.number, one.version.sha)]
    served = [one for one in named if state.served(one.number)]
    if not named:
        return _absent(str(wanted), words, state, releases)
    if not served:
        return _refuse("release-served", f"release {wanted} never served here", releases)
    good = [one for one in served if one.number in state.good]
    chosen = (good or served)[-1]
    if chosen.number == serving == state.current and cut is None:
        return _refuse("release-earlier", f"release {serving} serves already", releases)
    return chosen


def left_for(facts: HostFacts, number: int, service: str = "web") -> int | None:
    """Return the release that a rollback leaves for another one; None where none of ours serves.

    As a rule that is what serves. Where the other one does already, by its own folder or as one of
    its code with newer secrets, because a run was cut behind its switch, it is what served before.

    Args:
        facts: What was read of the host.
        number: The release that is taken up again.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    serving = serving_release(facts, service)
    state = read_ledger(facts.ledger)
    if serving is None or number not in (serving, _cut_over(facts, state, serving)):
        return serving
    again = {serving, number, *_unseen_renewals(facts, state, number)}
    served = (one.release for one in reversed(state.entries) if one.event == "activated")
    return next((one for one in served if one not in again), None)


def is_taken_up(facts: HostFacts, chosen: Chosen, run_id: str, service: str = "web") -> bool:
    """Return whether what a rollback has chosen serves: itself, or this run's own renewal of it.

    Args:
        facts: What was read of the host.
        chosen: The choice of an earlier try.
        run_id: The run; with the newest secrets it makes a new release of what it has chosen.
        service: The compose service that is switched.
    """
    number = serving_release(facts, service)
    if number == chosen.number:
        return True
    serving = release_on(facts, number)
    return serving is not None and (serving.restores, serving.run_id) == (chosen.number, run_id)


def judge_choice(facts: HostFacts, chosen: Chosen, run_id: str, service: str = "web") -> Verdict:
    """Return whether a retried rollback may go on with what an earlier try has chosen.

    What came to serve since then is nothing that this run was asked to leave: it would be left
    without being quarantined, and by a reason that is about another one.

    Args:
        facts: What was read of the host, in this try.
        chosen: The choice of an earlier try.
        run_id: The run.
        service: The compose service that is switched.
    """
    serving = serving_release(facts, service)
    leaves = left_for(facts, chosen.number, service)
    if leaves == chosen.leaves or is_taken_up(facts, chosen, run_id, service):
        return Go()
    now = "none of ours" if serving is None else f"release {serving}"
    then = "none of ours" if chosen.leaves is None else f"release {chosen.leaves}"
    told = f"{now} serves by now, and this run has chosen release {chosen.number} when {then} did"
    advice = (
        f"Where {now} is to be left as well, start a new rollback, which says so of it and is "
        "judged anew; a retry of this run goes on only where nobody has changed what serves."
    )
    return Refuse((Finding("serving-changed", told, "the proxy", advice),))


def ways_back(facts: HostFacts, service: str) -> tuple[str, ...]:
    """Return the releases that a rollback may name, newest first, each as number and commit.

    Args:
        facts: What was read of the host.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    state = read_ledger(facts.ledger)
    serving = serving_release(facts, service) or state.current
    settled = serving == state.current and _cut_over(facts, state, serving) is None
    return tuple(
        f"{one.number} {one.version.short}"
        for one in reversed(releases_on(facts))
        if state.served(one.number) and not (settled and one.number == serving)
    )


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


def _cut_over(facts: HostFacts, state: LedgerState, serving: int | None) -> int | None:
    """Return the release that a run was taking up again when it was cut; None where none was.

    It serves then, or one of its code with newer secrets does, and nobody has seen to that. A line
    that says so may be missing or not: one is written behind the switch, the other at the end.
    """
    if serving is None:
        return None
    times = sum((one.release, one.event) == (serving, "activated") for one in state.entries)
    if serving != state.current and times:
        return serving if serving == state.previous_good else None
    if serving == state.current and state.stage(serving) != "activated":
        return None
    own = release_on(facts, serving)
    return serving if times > 1 else own.restores if own else None


def _unseen_renewals(facts: HostFacts, state: LedgerState, number: int) -> set[int]:
    """Return the releases of one's code with newer secrets that nobody has seen serving."""
    of_it = (one.number for one in releases_on(facts) if one.restores == number)
    return {one for one in of_it if not state.was_seen(one)}


def _is_named(words: list[str], number: int, version: str) -> bool:
    return bool(words) and all(names_release(word, number, version) for word in words)


def _previous_good(number: int | None, releases: tuple[Release, ...]) -> Release | Refuse:
    for release in releases:
        if release.number == number:
            return release
    told = "the host knows no good release of another version before the current"
    return _refuse("previous-good", told, releases)


def _absent(
    wanted: str, words: list[str], state: LedgerState, releases: tuple[Release, ...]
) -> Refuse:
    """Tell a release that was here once, and is gone, from one that nobody ever deployed."""
    gone = [one for one in state.versions.items() if _is_named(words, *one)]
    if not gone:
        return _refuse("release-on-host", f"the host has no release {wanted}", releases)
    number, version = gone[-1]
    told = f"the folder of release {number} is gone: it was pruned, or never got that far"
    advice = f"Deploy its commit anew, with `accept` naming {OLDER}: {version}."
    return Refuse((Finding("release-pruned", told, _LEDGER, advice),))


def _refuse(rule: str, consequence: str, releases: tuple[Release, ...]) -> Refuse:
    known = ", ".join(f"{release.number} ({release.version.short})" for release in releases)
    return Refuse(
        (
            Finding(
                rule,
                consequence,
                _LEDGER,
                f"The host has {known or 'no release'}; choose one of these, or deploy anew.",
            ),
        )
    )
