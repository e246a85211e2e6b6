"""Decides what an activation writes into the host's ledger, before its switch and after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.commands import host
from rollout.decide.releases import releases_on, serving_release
from rollout.ledger import Entry, render_entry
from rollout.model.plan import Step

if TYPE_CHECKING:
    from rollout.decide.scene import Scene
    from rollout.ledger import Event, LedgerState, Stage
    from rollout.model.host import HostFacts
    from rollout.model.release import Release

_NOT_BEGUN: tuple[Stage, ...] = ("unknown", "abandoned", "superseded")


def entry(release: Release, event: Event, reason: str | None = None) -> Entry:
    """Return the ledger's entry about a release.

    Args:
        release: What it is about.
        event: What happened to it.
        reason: Why; None takes the release's own.
    """
    return Entry(
        release=release.number,
        event=event,
        version=release.version.sha,
        digest=release.image.digest,
        actor=release.actor,
        reason=release.reason if reason is None else reason,
        run_id=release.run_id,
    )


def begin(scene: Scene) -> tuple[Step, ...]:
    """Return the steps that write what is true before anything is pulled or started.

    First what runs before this one left unsaid. One that was cut between the switch and its line
    did come to serve; any other that only began is over, because whoever is here holds the target.
    Then, for a new release, that its folder is there and that the database holds its migrations.
    """
    others = (one for one in scene.ledger.unfinished if one.release != scene.number)
    steps = [_write(scene, _left(scene, one)) for one in others]
    stage = scene.ledger.stage(scene.number)
    if stage in _NOT_BEGUN:
        steps.append(_write(scene, entry(scene.release, "prepared")))
    if stage in (*_NOT_BEGUN, "prepared"):
        steps.append(_write(scene, entry(scene.release, "migrated", _held(scene.release))))
    return tuple(steps)


def note_activation(scene: Scene) -> tuple[Step, ...]:
    """Return the step that says who serves; none when that is so, and the ledger says it."""
    if scene.former == scene.ledger.current == scene.number:
        return ()
    return (_write(scene, entry(scene.release, "activated")),)


def give_way(ledger: LedgerState, run_id: str, reason: str) -> tuple[Entry, ...]:
    """Return the entries about what a run began before it ended itself; none when it had no number.

    Args:
        ledger: The host's history.
        run_id: The run that gives way.
        reason: To what.
    """
    own = (one for one in ledger.unfinished if one.run_id == run_id)
    return tuple(replace(one, event="superseded", reason=reason, at="") for one in own)


def serves_of(facts: HostFacts, run_id: str, service: str) -> bool:
    """Return whether what serves on a host, or is its current release, is what a run has made.

    Args:
        facts: What was read of the host.
        run_id: The run.
        service: The compose service that is switched.
    """
    numbers = {serving_release(facts, service), facts.current}
    own = (one for one in releases_on(facts) if one.run_id == run_id)
    return any(one.number in numbers for one in own)


def _left(scene: Scene, known: Entry) -> Entry:
    """Return what became of a release that another run began, in the name of this run."""
    event, reason = "abandoned", f"it never served; found by the run of release {scene.number}"
    if known.release in (scene.former, scene.facts.current):
        event, reason = "activated", "it serves; its own run was cut before it could say so"
    own = scene.release
    return replace(known, event=event, actor=own.actor, reason=reason, run_id=own.run_id, at="")


def _write(scene: Scene, one: Entry) -> Step:
    return Step(
        f"write into the ledger: release {one.release} {one.event}",
        host.append_ledger_command(scene.layout, render_entry(one)),
    )


def _held(release: Release) -> str:
    """Return what was seen of the database before a number was given; later ones may be there."""
    count, last = len(release.migrations), release.migrations[-1:]
    told = f"the database holds the {count} migrations that its code expects"
    return told + "".join(f", the last {one}" for one in last)
