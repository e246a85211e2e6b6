"""What the figures of a bench say, from what was measured."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra.bench.figures import (
    Run,
    Sample,
    Span,
    Spread,
    Way,
    document,
    idle_s,
    run_figures,
    sentence,
    shares_of_rolling,
    table,
    total,
)

RUN = Run(
    command_s=40.0,
    before_s=2.0,
    after_s=1.0,
    whole_s=37.0,
    pickup_s=2.0,
    begin_s=0.5,
    between_s=0.25,
    end_s=0.25,
    cpu_s=4.0,
)


def sample(way: Way, number: int, seconds: float, lost: int = 0) -> Sample:
    run = RUN if way == "ours" else None
    return Sample(
        way, number, "a" * 40, seconds, seconds + 1, seconds * 2, 100, lost, 50, 3, 0.5, run
    )


SAMPLES = (
    sample("plain", 1, 4.0, lost=30),
    sample("rolling", 1, 10.0),
    sample("ours", 1, 7.0),
    sample("plain", 2, 5.0, lost=20),
    sample("rolling", 2, 12.0),
    sample("ours", 2, 8.4),
)
MACHINE = {"processor": "2 cores", "memory": "24 GiB"}


@pytest.mark.parametrize(
    ("tasks", "idle"),
    [
        pytest.param([Span(0, 4)], 0, id="one task"),
        pytest.param([Span(0, 4), Span(1, 2), Span(3, 6)], 0, id="side by side"),
        pytest.param([Span(6.5, 7), Span(0, 4), Span(5, 6)], 1.5, id="two pauses, in any order"),
        pytest.param([Span(0, 9), Span(1, 2), Span(10, 11)], 1, id="a short one inside a long one"),
        pytest.param([], 0, id="none"),
    ],
)
def test_the_time_in_which_no_task_is_at_work(tasks: list[Span], idle: float):
    assert idle_s(tasks) == idle


def test_every_second_of_a_command_is_somewhere():
    command, run = Span(100, 142), Span(105, 140)
    tasks = [Span(106, 120), Span(120.5, 139)]

    told = run_figures(command, 102, run, tasks, cpu_s=4.0)

    assert told == Run(
        command_s=42,
        before_s=2,
        after_s=2,
        whole_s=38,
        pickup_s=3,
        begin_s=1,
        between_s=0.5,
        end_s=1,
        cpu_s=4.0,
    )
    assert told.added_s == 5.5
    assert told.tools_s == 32.5
    assert told.before_s + told.added_s + told.tools_s + told.after_s == told.command_s


def test_a_spread_shows_whole_numbers_as_such():
    assert str(Spread.of([30, 20, 22])) == "22 (20 to 30)"
    assert str(Spread.of([3.14, 1, 2.36])) == "2.4 (1 to 3.1)"


def test_ours_is_compared_with_the_rolling_one_by_medians():
    shares = shares_of_rolling([replace(one, only_new_s=5.0) for one in SAMPLES])

    assert shares == pytest.approx({"seconds": 0.7, "only_new_s": 1.0, "ended_s": 0.7})


def test_the_document_holds_every_sample_and_every_spread():
    told = json.loads(json.dumps(document(SAMPLES, MACHINE, 20.0)))

    assert list(told) == ["machine", "rate_per_s", "samples", "ways", "run", "ours_to_rolling"]
    assert told["samples"][2]["run"]["pickup_s"] == 2.0
    assert told["samples"][0]["run"] is None
    assert told["ways"]["plain"]["lost"] == {"median": 25.0, "lowest": 20, "highest": 30}
    assert told["run"]["added_s"] == {"median": 3.0, "lowest": 3.0, "highest": 3.0}


def test_the_table_for_a_person():
    lines = table(SAMPLES, MACHINE, 20.0).splitlines()

    assert lines[0] == "2 rounds, 20 requests a second; median (lowest to highest)"
    assert lines[2:4] == ["| | plain | rolling | ours |", "| --- | ---: | ---: | ---: |"]
    assert (
        "| first remote action to new version outside, s "
        "| 4.5 (4 to 5) | 11 (10 to 12) | 7.7 (7 to 8.4) |"
    ) in lines
    assert "| requests lost | 25 (20 to 30) | 0 (0 to 0) | 0 (0 to 0) |" in lines
    said = "Ours as a share of rolling, first remote action to new version outside, s: 0.70  "
    assert said in lines
    assert "| &nbsp;&nbsp;added by Prefect, s | 3 (3 to 3) |" in lines
    assert "Prefect adds 3.0 s, 8% of the run." in lines
    assert lines[-2:] == ["- processor: 2 cores", "- memory: 24 GiB"]


def test_a_row_of_deploys_is_one_sentence():
    row = [sample("ours", 1, 7.0), sample("ours", 2, 7.0, lost=1)]

    assert sentence(total(row, 200.0)) == (
        "2 deploys in a row at 200 requests a second: 200 sent, 1 lost, longest gap 50 ms"
    )
