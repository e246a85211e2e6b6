"""What an activation writes into the ledger, also about runs that were cut before it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.decide.history import begin, entry, give_way, note_activation, serves_of
from rollout.decide.retire import prune
from rollout.decide.scene import Scene, read_scene
from rollout.ledger import EVENTS, Entry, Event, LedgerState, fold, read_ledger, render_entry
from rollout.model.host import HostFacts
from rollout.render.release import render_release
from tests.support.values import APPLICATION, release

MINE = release(
    6, actor="ann", reason="because", run_id="run-6", migrations=("0001_start", "0002_more")
)


def written(*said: str) -> str:
    """Return a ledger's text from words like `1 prepared`."""
    pairs = [word.split(" ") for word in said]
    lines = (Entry(int(n), event, "v", "d", "bob", "why", f"run-{n}") for n, event in pairs)  # pyright: ignore[reportArgumentType]
    return "".join(f"{render_entry(one)}\n" for one in lines)


def scene(*said: str, live: int | None = None, current: int | None = None) -> Scene:
    facts = HostFacts(
        live=f"web-r{live}" if live else "",
        current=current if current else live,
        ledger=written(*said),
        files={"releases/6/docker-compose.prod.yml": "sum"},
    )
    return read_scene(facts, MINE, (), APPLICATION)


def lines(one: Scene) -> list[dict[str, object]]:
    steps = (*begin(one), *note_activation(one))
    return [json.loads(step.command.argv[-1]) for step in steps]


def told(one: Scene) -> list[str]:
    return [f"{line['release']} {line['event']}" for line in lines(one)]


SERVED_5 = ("5 prepared", "5 migrated", "5 activated", "5 verified")
OWN = ["6 prepared", "6 migrated", "6 activated"]


@pytest.mark.parametrize(
    ("said", "live", "expected"),
    [
        pytest.param((), None, OWN, id="the first release"),
        pytest.param(SERVED_5, 5, OWN, id="the next release"),
        pytest.param((*SERVED_5, "6 prepared"), 5, OWN[1:], id="cut after it was prepared"),
        pytest.param((*SERVED_5, "6 prepared", "6 migrated"), 5, OWN[2:], id="cut after migrated"),
        pytest.param((*SERVED_5, "6 prepared", "6 migrated"), 6, OWN[2:], id="cut after switching"),
        pytest.param((*SERVED_5, *OWN), 6, [], id="it serves"),
        pytest.param((*SERVED_5, *OWN, "6 verified"), 6, [], id="it serves well"),
        pytest.param((*SERVED_5, *OWN, "6 failed"), 5, OWN[2:], id="a retry after it failed"),
        pytest.param((*OWN, "6 verified", *SERVED_5), 5, OWN[2:], id="back to it"),
        pytest.param((*OWN, "6 verified"), 5, OWN[2:], id="back to it after one without a line"),
        pytest.param((*SERVED_5, "6 prepared", "6 abandoned"), 5, OWN, id="a retry, given up for"),
        pytest.param((*SERVED_5, "6 prepared", "6 superseded"), 5, OWN, id="a retry that gave way"),
        pytest.param(("4 prepared", *SERVED_5), 5, ["4 abandoned", *OWN], id="one only began"),
        pytest.param(
            ("3 prepared", "4 prepared", "4 migrated"),
            None,
            ["3 abandoned", "4 abandoned", *OWN],
            id="two only began",
        ),
        pytest.param(
            ("4 prepared", "4 activated", "5 prepared"),
            5,
            ["5 activated", *OWN],
            id="the one before was cut after its switch",
        ),
        pytest.param(
            ("6 prepared", "6 activated", "6 verified", "5 prepared", "5 migrated"),
            5,
            ["5 activated", "6 activated"],
            id="back from one that was cut after its switch",
        ),
    ],
)
def test_what_is_written(said: tuple[str, ...], live: int | None, expected: list[str]):
    one = scene(*said, live=live)

    assert told(one) == expected
    state = fold((*one.ledger.entries, *(read_ledger_line(line) for line in lines(one))))
    assert state.current == 6


def read_ledger_line(line: dict[str, object]) -> Entry:
    return Entry(**line)  # pyright: ignore[reportArgumentType]


def test_migrated_says_what_the_database_holds():
    assert lines(scene("6 prepared"))[0] == {
        "release": 6,
        "event": "migrated",
        "version": "6" * 40,
        "digest": f"sha256:{'6' * 64}",
        "actor": "ann",
        "reason": "the database holds the 2 migrations that its code expects, the last 0002_more",
        "run_id": "run-6",
    }


def test_a_release_without_migrations():
    bare = replace(scene("6 prepared"), release=release(6))

    assert lines(bare)[0]["reason"] == "the database holds the 0 migrations that its code expects"


def test_what_another_run_left_is_written_in_the_name_of_this_one():
    assert lines(scene("5 prepared"))[0] == {
        "release": 5,
        "event": "abandoned",
        "version": "v",
        "digest": "d",
        "actor": "ann",
        "reason": "it never served; found by the run of release 6",
        "run_id": "run-6",
    }
    assert lines(scene("5 prepared", live=5))[0] == {
        "release": 5,
        "event": "activated",
        "version": "v",
        "digest": "d",
        "actor": "ann",
        "reason": "it serves; its own run was cut before it could say so",
        "run_id": "run-6",
    }


def test_the_one_that_is_current_was_switched_to():
    assert told(scene("5 prepared", live=4, current=5))[0] == "5 activated"


def test_an_entry_is_the_releases_own_unless_said_otherwise():
    assert entry(MINE, "prepared").reason == "because"
    assert entry(MINE, "failed", "it was slow").reason == "it was slow"


def test_a_run_that_gives_way_says_so_of_what_it_began():
    state = read_ledger(written("4 prepared", "5 prepared", "5 migrated"))

    (line,) = give_way(state, "run-5", "a newer deploy")
    assert line == Entry(5, "superseded", "v", "d", "bob", "a newer deploy", "run-5")
    assert give_way(state, "run-6", "a newer deploy") == ()
    assert fold((*state.entries, line)).stage(5) == "superseded"


def test_what_serves_or_is_current_may_be_a_runs_own():
    mine = replace(release(5), run_id="run-5")
    facts = HostFacts(releases={4: render_release(release(4)), 5: render_release(mine)})

    assert serves_of(replace(facts, live="web-r5", current=4), "run-5", "web")
    assert serves_of(replace(facts, live="web-r4", current=5), "run-5", "web")
    assert not serves_of(replace(facts, live="web-r4", current=4), "run-5", "web")
    assert not serves_of(replace(facts, live="web-r5", current=5), "run-6", "web")


HISTORIES = st.lists(st.tuples(st.integers(1, 5), st.sampled_from(EVENTS)), max_size=25)


def allowed(said: list[tuple[int, Event]]) -> LedgerState:
    state = LedgerState()
    for number, event in said:
        if state.allows(event, number):
            state = fold((*state.entries, Entry(number, event, "v", "d")))
    return state


@given(HISTORIES, st.one_of(st.none(), st.integers(1, 5)), st.one_of(st.none(), st.integers(1, 5)))
def test_whatever_was_cut_what_is_written_next_can_be_read(
    said: list[tuple[int, Event]], live: int | None, current: int | None
):
    known = [f"{one.release} {one.event}" for one in allowed(said).entries]
    one = scene(*known, live=live, current=current)
    steps = [step.command.argv[-1] for step in (*begin(one), *note_activation(one))]

    state = read_ledger(one.facts.ledger + "".join(f"{line}\n" for line in steps))

    assert state.current == 6
    assert {entry.release for entry in state.unfinished} == set()


@given(HISTORIES, st.integers(1, 5), st.integers(1, 3))
def test_no_release_that_a_way_back_may_want_is_removed(
    said: list[tuple[int, Event]], former: int, retained: int
):
    state = allowed(said)
    known = [f"{one.release} {one.event}" for one in state.entries]
    facts = HostFacts(
        live=f"web-r{former}",
        current=former,
        ledger=written(*known),
        releases={number: render_release(release(number)) for number in range(1, 7)},
        files={"releases/6/docker-compose.prod.yml": "sum"},
        images={release(number).image.reference: "id" for number in range(1, 7)},
    )
    application = APPLICATION.model_copy(update={"retain_releases": retained})
    one = read_scene(facts, MINE, (), application)

    removed = {int(word) for step in prune(one) for word in step.command.argv[5:] if word.isdigit()}
    images = {word for step in prune(one) for word in step.command.argv if "@sha256:" in word}

    wanted = {6, former} | set(state.good[-retained:])
    assert not removed & wanted
    assert not images & {release(number).image.reference for number in wanted}
    assert all(step.best_effort for step in prune(one))


def test_failed_releases_do_not_push_out_good_ones():
    good = [f"{n} {event}" for n in (1, 2) for event in ("prepared", "activated", "verified")]
    bad = [f"{n} {event}" for n in (3, 4, 5) for event in ("prepared", "activated", "failed")]
    back = ["2 activated", "2 verified"]
    facts = HostFacts(
        live="web-r2",
        current=2,
        ledger=written(*good, *bad, *back),
        releases={number: render_release(release(number)) for number in range(1, 6)},
    )
    application = APPLICATION.model_copy(update={"retain_releases": 2})
    one = read_scene(
        replace(facts, files={"releases/6/docker-compose.prod.yml": "sum"}), MINE, (), application
    )

    (folders,) = [step for step in prune(one) if step.name == "remove the folders of old releases"]
    assert folders.command.argv[-2:] == ("3", "4")


def test_what_never_served_is_removed_after_the_next_release():
    facts = HostFacts(
        live="web-r4",
        current=4,
        ledger=written("4 prepared", "4 activated", "4 verified", "5 prepared", "5 migrated"),
        releases={number: render_release(release(number)) for number in (4, 5)},
        files={"releases/6/docker-compose.prod.yml": "sum"},
    )
    one = read_scene(facts, MINE, (), APPLICATION)

    assert begin(one)[0].name == "write into the ledger: release 5 abandoned"
    assert prune(one)[-1].command.argv[-1:] == ("5",)
