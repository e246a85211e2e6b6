"""What the figures of going back and refusing say, from what was measured."""

from __future__ import annotations

import json

from infra.bench.recovery_figures import (
    Fault,
    Refusal,
    Return,
    Store,
    recovery_document,
    recovery_table,
)


def gone_back(store: Store, number: int, seconds: float) -> Return:
    return Return(store, number, "a" * 40, seconds, seconds + 3, seconds + 8, 200, 0, 60, 7)


def refused(fault: Fault, number: int, seconds: float) -> Refusal:
    return Refusal(fault, number, "b" * 40, seconds, 400, 0, 55)


RETURNS = (
    gone_back("warm", 1, 1.0),
    gone_back("cold", 1, 2.5),
    gone_back("warm", 2, 0.8),
    gone_back("cold", 2, 1.5),
)
REFUSALS = (
    refused("start", 1, 1.5),
    refused("health", 1, 46.0),
)


def test_the_document_holds_every_run_and_every_spread():
    told = json.loads(json.dumps(recovery_document(RETURNS, REFUSALS)))

    assert list(told) == ["returns", "stores", "warm_to_cold", "refusals", "faults"]
    assert told["returns"][0]["click_s"] == 4.0
    assert told["stores"]["warm"]["seconds"] == {"median": 0.9, "lowest": 0.8, "highest": 1.0}
    assert told["warm_to_cold"] == 0.45
    assert told["faults"]["health"]["seconds"]["median"] == 46.0


def test_what_was_not_measured_is_left_out():
    assert list(recovery_document((), REFUSALS)) == ["refusals", "faults"]
    assert recovery_document((), ()) == {}
    assert "going back" not in recovery_table((), REFUSALS, 20.0)


def test_the_tables_for_a_person():
    assert recovery_table(RETURNS, REFUSALS, 20.0).splitlines() == [
        "2 rounds, 20 requests a second; median (lowest to highest)",
        "",
        "| going back | warm | cold |",
        "| --- | ---: | ---: |",
        "| flow's start to old version outside, s | 0.9 (0.8 to 1) | 2 (1.5 to 2.5) |",
        "| click to old version outside, s | 3.9 (3.8 to 4) | 5 (4.5 to 5.5) |",
        "| click to the run's end, s | 8.9 (8.8 to 9) | 10 (9.5 to 10.5) |",
        "| requests sent | 200 (200 to 200) | 200 (200 to 200) |",
        "| requests lost | 0 (0 to 0) | 0 (0 to 0) |",
        "| longest gap, ms | 60 (60 to 60) | 60 (60 to 60) |",
        "| remote round trips | 7 (7 to 7) | 7 (7 to 7) |",
        "",
        "Warm as a share of cold, flow's start to old version outside, s: 0.45",
        "",
        "1 round, 20 requests a second; median (lowest to highest)",
        "",
        "| a broken release | exits at its start | never healthy |",
        "| --- | ---: | ---: |",
        "| activate's start to the refusal, s | 1.5 (1.5 to 1.5) | 46 (46 to 46) |",
        "| requests sent | 400 (400 to 400) | 400 (400 to 400) |",
        "| requests lost | 0 (0 to 0) | 0 (0 to 0) |",
        "| longest gap, ms | 55 (55 to 55) | 55 (55 to 55) |",
    ]
