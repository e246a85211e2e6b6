"""Decides what a revert takes back: from the version that is gone back to, to the last that served.

Facts are the host's ledger, which says what served and what was left, and the branch's history,
which says what came between. Nothing on the host changes: a commit is proposed, and the pipeline
does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.decide.corrective import RUN_DIGITS
from rollout.decide.releases import serving_release
from rollout.decide.rollback import names_release
from rollout.errors import ConfigInvalid
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Refuse
from rollout.model.proposal import Proposal, Revert
from rollout.model.release import Version
from rollout.render.revert import Story, render_body, render_by_hand, render_message, render_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollout.config import Environment
    from rollout.ledger import LedgerState
    from rollout.model.activation import Wish
    from rollout.model.host import HostFacts
    from rollout.model.proposal import Span

_LEDGER = "the host's ledger"
_HISTORY = "the branch's history"


@dataclass(frozen=True, slots=True)
class Ends:
    """Between which releases a revert may be.

    Attributes:
        chosen: The release that is gone back to.
        version: Its commit.
        tops: Later candidates, release to commit: what serves, and what was left by a rollback and
            is still on the branch; never empty.
    """

    chosen: int
    version: Version
    tops: dict[int, Version]


def check_proposing(wish: Wish, *, hold: bool) -> None:
    """Refuse what a pull request cannot do.

    Raises:
        ConfigInvalid: When deploys are to be held: what is proposed comes to serve by one.
    """
    if wish.proposes and hold:
        told = f"should be off: what the {wish.strategy} proposes is to be deployed"
        raise ConfigInvalid("hold", told)


def choose_ends(facts: HostFacts, wanted: str, service: str) -> Ends | Refuse:
    """Return the release whose code the branch is to have again, and what may be taken back.

    The host need not have the release's folder any more: the branch has its code.

    Args:
        facts: What was read of the host.
        wanted: A release's number, its commit in 7 to 40 digits, or both. Empty takes what serves,
            where a rollback made it serve: the branch follows. Else the last good release before.
        service: The compose service that is switched.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    state = read_ledger(facts.ledger)
    serving = serving_release(facts, service) or state.current
    if serving is None or serving not in state.versions:
        return _refuse("no-release", "no release of ours serves", "Deploy a commit first.")
    chosen = _chosen(state, serving, wanted)
    if chosen is None:
        told = f"the ledger has no release {wanted} that served" if wanted else "none served before"
        return _refuse("release-served", told, "bin/releases shows what served here.")
    version = state.versions[chosen]
    tops = {
        number: Version(state.versions[number])
        for number in (serving, *_left(state))
        if state.versions[number] != version
    }
    if not tops:
        told = f"release {chosen} serves already, and no later one was left by a rollback"
        return _refuse("release-earlier", told, "Name an earlier one; bin/releases shows them.")
    return Ends(chosen, Version(version), tops)


def choose_span(ends: Ends, spans: Sequence[Span], branch: str) -> Span | Refuse:
    """Return the longest of the spans that can be taken back, or why none can.

    A release that was left, and one before it that serves: both have to go.

    Args:
        ends: Between which releases.
        spans: What was read of the history, one for each of the later candidates.
        branch: The branch's name.
    """
    fit = [one for one in spans if one.is_merged and one.follows and one.commits]
    if fit:
        return max(fit, key=lambda one: len(one.commits))
    return Refuse(tuple(_unfit(ends, one, branch) for one in spans))


def propose_revert(ends: Ends, span: Span, story: Story, settings: Environment) -> Proposal:
    """Return the commit and the pull request that take a span back.

    Args:
        ends: Between which releases.
        span: What is taken back.
        story: Who asks for it, why, and what the schema says.
        settings: The environment.
    """
    folders = (settings.migrations.folder, *settings.migrations.declared_in)
    run = story.run_id[:RUN_DIGITS]
    return Proposal(
        branch=f"revert/{ends.version.short}-{run}",
        change=Revert(ends.version, span.top, folders),
        message=render_message(ends.chosen, ends.version, span, story),
        title=render_title(ends.chosen, ends.version),
        body=render_body(ends.chosen, ends.version, span, story, folders),
    )


def without_github(proposal: Proposal, settings: Environment) -> Refuse:
    """Return why nothing can be proposed, and what a person would type instead."""
    told = f"deployments/{settings.name}.toml has no [github], so nothing can be proposed"
    lines = "\n  ".join(render_by_hand(proposal, settings.branch))
    advice = f"Say there which repository it is, or do it in a clone of your own:\n  {lines}"
    return _refuse("no-github", told, advice, f"deployments/{settings.name}.toml")


def _chosen(state: LedgerState, serving: int, wanted: str) -> int | None:
    words = wanted.split()
    if words:
        named = (
            number
            for number, version in reversed(state.versions.items())
            if all(names_release(word, number, version) for word in words)
        )
        return next((one for one in named if state.served(one)), None)
    if _came_by_rollback(state, serving):
        return serving
    return state.good_before(serving)


def _came_by_rollback(state: LedgerState, serving: int) -> bool:
    """Return whether a release was left since the serving one was activated last."""
    for one in reversed(state.entries):
        if one.event == "rolled-back":
            return True
        if one.event == "activated" and one.release == serving:
            return False
    return False


def _left(state: LedgerState) -> Iterable[int]:
    """Return the releases that were left by a rollback, and whose version is still quarantined."""
    last = {one.version: one for one in state.entries}
    return tuple(one.release for one in last.values() if one.event == "rolled-back")


def _unfit(ends: Ends, span: Span, branch: str) -> Finding:
    chosen, top = ends.version.short, span.top.short
    if not span.is_merged:
        told = f"{top}, which is to be taken back, is not on {branch}"
    elif not span.follows:
        told = f"{chosen}, which is to be gone back to, is no ancestor of {top}"
    else:
        told = f"nothing lies between {chosen} and {top}"
    return Finding("revert-range", told, _HISTORY, "Choose another release, or revert by hand.")


def _refuse(rule: str, told: str, advice: str, place: str = _LEDGER) -> Refuse:
    return Refuse((Finding(rule, told, place, advice),))
