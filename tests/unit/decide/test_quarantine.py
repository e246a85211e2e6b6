"""Whether a version may be deployed that a rollback has left."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.decide.quarantine import QUARANTINED, judge_quarantine, newly_left
from rollout.model.finding import Go, Refuse
from rollout.model.host import HostFacts
from rollout.model.release import Version
from rollout.render.release import render_release
from tests.support.values import release

if TYPE_CHECKING:
    from rollout.ledger import Event

LEFT, OTHER = Version("a" * 40), Version("b" * 40)


def ledger(*said: tuple[int, Version, Event]) -> str:
    return "".join(
        json.dumps(
            {
                "release": number,
                "event": event,
                "version": version.sha,
                "actor": "ada",
                "reason": "500s on /pay",
                "at": "2026-11-25T02:00:00Z",
            }
        )
        + "\n"
        for number, version, event in said
    )


EVENTS: tuple[Event, ...] = ("prepared", "activated", "verified")
SERVED: tuple[tuple[int, Version, Event], ...] = tuple((1, LEFT, event) for event in EVENTS)
HISTORY = ledger(*SERVED, (1, LEFT, "rolled-back"))


def test_a_version_that_was_left_says_who_when_and_why():
    verdict = judge_quarantine(HISTORY, LEFT, ())

    assert isinstance(verdict, Refuse)
    (finding,) = verdict.findings
    assert finding.rule == QUARANTINED
    assert finding.consequence == (
        "release 1 (aaaaaaaaaaaa) was left by a rollback at 2026-11-25T02:00:00Z by ada: "
        "500s on /pay"
    )
    assert "`accept` naming version-quarantined" in finding.help


def test_any_other_version_may_be_deployed():
    assert judge_quarantine(HISTORY, OTHER, ()) == Go()
    assert judge_quarantine("", LEFT, ()) == Go()


def test_it_is_deployed_again_by_name_and_then_is_free():
    accepted = judge_quarantine(HISTORY, LEFT, (QUARANTINED,))
    anew = ledger(*SERVED, (1, LEFT, "rolled-back"), (2, LEFT, "prepared"))

    assert isinstance(accepted, Go)
    assert accepted.findings[0].consequence.startswith("accepted: release 1")
    assert judge_quarantine(anew, LEFT, ()) == Go()


def test_a_rollback_to_it_ends_the_quarantine():
    forward = ledger(*SERVED, (1, LEFT, "rolled-back"), (1, LEFT, "activated"))

    assert judge_quarantine(forward, LEFT, ()) == Go()


def host(history: str) -> HostFacts:
    return HostFacts(ledger=history, releases={1: render_release(release(1))})


def test_what_a_rollback_leaves_is_told_once():
    left = newly_left(host(ledger(*SERVED)), 1, release(2), "web")

    assert left is not None
    assert left.number == 1
    assert newly_left(host(HISTORY), 1, release(2), "web") is None


def test_what_is_taken_up_again_and_what_a_host_does_not_have_is_not_left():
    there = host(ledger(*SERVED))

    assert newly_left(there, 1, release(1), "web") is None
    assert newly_left(there, 3, release(2), "web") is None
    assert newly_left(there, None, release(2), "web") is None


def test_what_never_came_to_serve_on_a_host_is_not_left_there():
    begun = host(ledger((1, LEFT, "prepared"), (1, LEFT, "migrated")))

    assert newly_left(begun, 1, release(2), "web") is None
    # One that was cut behind its switch did, and the activation before this has said so.
    for cut in (replace(begun, live="web-r1"), replace(begun, current=1)):
        assert newly_left(cut, 1, release(2), "web") is not None
