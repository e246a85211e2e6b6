"""The ledger's text, its table of what may follow what, and what it says of today."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import LedgerCorrupt
from rollout.ledger import (
    EVENTS,
    STAGES,
    Entry,
    Event,
    LedgerState,
    Stage,
    fold,
    parse_ledger,
    read_ledger,
    render_entry,
)

FIRST = Entry(1, "prepared", "a" * 40, "sha256:" + "b" * 64, "ann", "because", "run-1")


def entries(*said: str) -> tuple[Entry, ...]:
    """Return entries from words like `1 prepared`."""
    pairs = [word.split(" ") for word in said]
    return tuple(Entry(int(number), event, f"v{number}", "d") for number, event in pairs)  # pyright: ignore[reportArgumentType]


def test_an_entry_is_one_line_without_its_time():
    assert render_entry(FIRST) == (
        '{"release": 1, "event": "prepared", "version": "' + "a" * 40 + '", '
        '"digest": "sha256:' + "b" * 64 + '", "actor": "ann", "reason": "because", '
        '"run_id": "run-1"}'
    )


def test_a_line_is_read_back():
    line = '{"at": "2026-11-22T10:00:00Z", ' + render_entry(FIRST)[1:] + "\n"

    assert parse_ledger(line) == (
        Entry(
            1,
            "prepared",
            "a" * 40,
            "sha256:" + "b" * 64,
            "ann",
            "because",
            "run-1",
            "2026-11-22T10:00:00Z",
        ),
    )


def test_a_reason_with_line_ends_stays_on_its_line():
    entry = Entry(1, "prepared", "v", "d", reason='two\nlines and "quotes"')

    assert parse_ledger(render_entry(entry) + "\n") == (entry,)


@pytest.mark.parametrize("torn", ["", "{", render_entry(FIRST)[:20], render_entry(FIRST)])
def test_what_stands_after_the_last_line_end_is_torn_and_counts_for_nothing(torn: str):
    assert parse_ledger(f"{render_entry(FIRST)}\n{torn}") == (FIRST,)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"rele', "is no JSON"),
        ("", "is no JSON"),
        ("[]", "is no JSON object"),
        ("{}", "names no release"),
        ('{"release": true, "event": "prepared"}', "names no release"),
        ('{"release": 0, "event": "prepared"}', "names no release"),
        ('{"release": 1, "event": "exploded"}', "'exploded' is no event"),
    ],
)
def test_a_whole_line_that_is_no_entry_is_refused(line: str, problem: str):
    with pytest.raises(LedgerCorrupt) as caught:
        parse_ledger(f"{render_entry(FIRST)}\n{line}\n{render_entry(FIRST)}\n")

    assert (caught.value.line_number, caught.value.problem) == (2, problem)


# How a release comes to each stage.
HISTORY: dict[Stage, tuple[str, ...]] = {
    "unknown": (),
    "prepared": ("1 prepared",),
    "migrated": ("1 prepared", "1 migrated"),
    "activated": ("1 prepared", "1 migrated", "1 activated"),
    "verified": ("1 prepared", "1 migrated", "1 activated", "1 verified"),
    "failed": ("1 prepared", "1 migrated", "1 activated", "1 failed"),
    "rolled-back": ("1 prepared", "1 migrated", "1 activated", "1 rolled-back"),
    "abandoned": ("1 prepared", "1 migrated", "1 abandoned"),
    "superseded": ("1 prepared", "1 superseded"),
}
# The events in their order: prepared, migrated, activated, verified, failed, rolled-back,
# abandoned, superseded.
ALLOWED = {
    "unknown": "yes no no no no no no no",
    "prepared": "yes yes yes no yes no yes yes",
    "migrated": "no yes yes no yes no yes yes",
    "activated": "yes no yes yes yes yes no no",
    "verified": "no no yes yes yes yes no no",
    "failed": "yes no yes yes yes yes no no",
    "rolled-back": "no no yes yes yes yes no no",
    "abandoned": "yes no no no no no yes no",
    "superseded": "yes no no no no no no yes",
}
TABLE = [
    (stage, event, answer == "yes")
    for stage in STAGES
    for event, answer in zip(EVENTS, ALLOWED[stage].split(), strict=True)
]


@pytest.mark.parametrize(("stage", "event", "allowed"), TABLE)
def test_what_may_follow_what(stage: Stage, event: Event, allowed: bool):
    before = entries(*HISTORY[stage])
    state = fold(before)
    assert state.stage(1) == stage
    assert state.allows(event, 1) is allowed

    if allowed:
        assert fold((*before, *entries(f"1 {event}"))).stage(1) == event
    else:
        with pytest.raises(LedgerCorrupt) as caught:
            fold((*before, *entries(f"1 {event}")))
        assert caught.value.problem == f"release 1 is {stage} and cannot be {event}"


@pytest.mark.parametrize(
    ("said", "current", "previous_good"),
    [
        pytest.param((), None, None, id="an empty history"),
        pytest.param(("1 prepared",), None, None, id="prepared is not serving"),
        pytest.param(HISTORY["migrated"], None, None, id="migrated is not serving"),
        pytest.param(("1 prepared", "1 activated"), 1, None, id="the first one"),
        pytest.param(HISTORY["verified"], 1, None, id="the current one is not the one before"),
        pytest.param(
            (*HISTORY["verified"], "2 prepared", "2 activated"), 2, 1, id="verified before"
        ),
        pytest.param(
            (*HISTORY["activated"], "2 prepared", "2 activated"), 2, None, id="never verified"
        ),
        pytest.param(
            (*HISTORY["verified"], "2 prepared", "2 activated", "2 failed", "1 activated"),
            1,
            None,
            id="back to the first",
        ),
        pytest.param(
            (
                *HISTORY["verified"],
                *("2 prepared", "2 activated", "2 verified"),
                *("2 rolled-back", "3 prepared", "3 activated", "3 verified"),
            ),
            3,
            1,
            id="the one that was left is not good",
        ),
        pytest.param(
            (
                *HISTORY["verified"],
                *(
                    f"{one} {event}"
                    for one in (2, 3)
                    for event in ("prepared", "activated", "verified")
                ),
                "3 rolled-back",
                "1 activated",
                "1 verified",
            ),
            1,
            None,
            id="what came after it is not before it",
        ),
        pytest.param(
            (*HISTORY["verified"], "2 prepared", "2 failed"), 1, None, id="failed before it served"
        ),
    ],
)
def test_what_the_history_says_of_today(
    said: tuple[str, ...], current: int | None, previous_good: int | None
):
    state = fold(entries(*said))

    assert (state.current, state.previous_good) == (current, previous_good)


@pytest.mark.parametrize(
    ("said", "unfinished"),
    [
        pytest.param((), [], id="an empty history"),
        pytest.param(HISTORY["prepared"], ["1 prepared"], id="prepared"),
        pytest.param(HISTORY["migrated"], ["1 migrated"], id="migrated"),
        pytest.param(HISTORY["activated"], [], id="it serves"),
        pytest.param((*HISTORY["activated"], "1 prepared"), [], id="it served once"),
        pytest.param(HISTORY["abandoned"], [], id="given up"),
        pytest.param(HISTORY["superseded"], [], id="gave way"),
        pytest.param((*HISTORY["abandoned"], "1 prepared"), ["1 prepared"], id="taken up again"),
        pytest.param(
            (*HISTORY["verified"], "2 prepared", "3 prepared", "2 migrated"),
            ["2 migrated", "3 prepared"],
            id="two of them",
        ),
    ],
)
def test_what_only_began(said: tuple[str, ...], unfinished: list[str]):
    state = fold(entries(*said))

    assert [f"{one.release} {one.event}" for one in state.unfinished] == unfinished
    assert not any(state.served(one.release) for one in state.unfinished)


@pytest.mark.parametrize("event", ["verified", "rolled-back"])
def test_a_release_that_failed_before_it_served_was_never_good(event: Event):
    state = fold(entries("1 prepared", "1 failed"))

    assert not state.allows(event, 1)
    with pytest.raises(LedgerCorrupt, match=f"release 1 is failed and cannot be {event}"):
        fold((*state.entries, *entries(f"1 {event}")))


def test_a_ledger_from_before_these_events_still_reads():
    state = fold(entries("1 prepared", "1 activated", "1 verified", "2 prepared", "2 activated"))

    assert (state.current, state.previous_good, state.stage(2)) == (2, 1, "activated")


def test_an_empty_text_is_an_empty_history():
    assert read_ledger("") == LedgerState()


HISTORIES = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(EVENTS)), max_size=30)


@given(HISTORIES)
def test_the_last_good_release_is_never_lost(said: list[tuple[int, Event]]):
    """Whatever is allowed to happen, a verified release that nobody gave up can be gone back to."""
    state = LedgerState()
    good: list[int] = []
    for number, event in said:
        if not state.allows(event, number):
            continue
        state = fold((*state.entries, Entry(number, event, f"v{number}", "d")))
        if event in ("failed", "rolled-back", "verified"):
            good = [one for one in good if one != number]
        if event == "verified":
            good.append(number)
        others = [one for one in good if state.current is None or one < state.current]
        others = [one for one in others if not state.is_left(f"v{one}")]
        assert state.previous_good == (others[-1] if others else None)


@given(HISTORIES)
def test_what_never_served_is_never_current_nor_good(said: list[tuple[int, Event]]):
    state = LedgerState()
    for number, event in said:
        if state.allows(event, number):
            state = fold((*state.entries, Entry(number, event, "v", "d")))

    served = {one.release for one in state.entries if one.event == "activated"}
    assert {number for number in state.stages if state.served(number)} == served
    assert set(state.good) | ({state.current} - {None}) <= served
    assert not {one.release for one in state.unfinished} & served


@given(HISTORIES, st.integers(1, 30), st.integers(1, 60))
def test_a_line_that_is_torn_in_the_middle_is_refused(
    said: list[tuple[int, Event]], line: int, cut: int
):
    lines = [render_entry(Entry(number, event, "v", "d")) for number, event in said]
    index = min(line, len(lines) + 1) - 1
    lines.insert(index, render_entry(FIRST)[:cut])

    with pytest.raises(LedgerCorrupt) as caught:
        parse_ledger("".join(f"{one}\n" for one in lines))
    assert (caught.value.line_number, caught.value.problem) == (index + 1, "is no JSON")


@given(HISTORIES, st.integers(0, 400))
def test_a_ledger_cut_anywhere_is_read_or_is_a_shorter_one(said: list[tuple[int, Event]], cut: int):
    lines = [render_entry(Entry(number, event, "v", "d")) + "\n" for number, event in said]
    text = "".join(lines)[:cut]

    assert len(parse_ledger(text)) == text.count("\n")
    assert all(json.loads(line) for line in text.split("\n")[:-1])
