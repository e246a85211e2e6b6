"""What people and programs read of an environment's releases."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rollout.decide.overview import overview
from rollout.errors import LedgerCorrupt
from rollout.executors.files import read_environment
from rollout.ledger import Entry, read_ledger, render_entry
from rollout.model.host import HostFacts
from rollout.model.overview import Overview
from rollout.render.release import render_release
from rollout.render.releases import render_json, render_state, render_table
from tests.support.values import release

SETTINGS = read_environment("rehearsal")


def line(number: int, event: str, minute: int, reason: str = "") -> str:
    """Return a line of the ledger as the host writes it."""
    one = release(number)
    said = Entry(number, event, one.version.sha, one.image.digest, "ann <a@b>", reason, "run-1")  # pyright: ignore[reportArgumentType]
    return f'{{"at": "2026-11-23T10:{minute:02}:00Z", {render_entry(said)[1:]}\n'


LEDGER = "".join(
    (
        line(1, "prepared", 0),
        line(1, "activated", 1),
        line(1, "verified", 2),
        line(2, "prepared", 10),
        line(2, "migrated", 11, "the database holds 2 migrations"),
        line(3, "prepared", 20, "a | b"),
        line(2, "abandoned", 20, "it never served; found by the run of release 3"),
        line(3, "activated", 21, "a | b"),
    )
)
FACTS = HostFacts(
    live="web-r3",
    current=3,
    ledger=LEDGER,
    releases={
        1: render_release(release(1, migrations=("0001_a",))),
        3: render_release(release(3, migrations=("0001_a", "0002_b"))),
    },
)
SEEN = overview(FACTS, SETTINGS)


def test_an_overview_gathers_what_the_ledger_and_the_folders_say():
    assert (SEEN.environment, SEEN.live, SEEN.current, SEEN.previous_good, SEEN.since) == (
        "rehearsal",
        3,
        3,
        1,
        "2026-11-23T10:21:00Z",
    )
    told = [(one.number, one.stage, one.at, one.migrations, one.on_host) for one in SEEN.releases]
    assert told == [
        (3, "activated", "2026-11-23T10:21:00Z", 2, True),
        (2, "abandoned", "2026-11-23T10:20:00Z", None, False),
        (1, "verified", "2026-11-23T10:02:00Z", 1, True),
    ]


def test_a_bare_host_has_none():
    assert overview(HostFacts(), SETTINGS) == Overview("rehearsal")


def test_a_ledger_that_cannot_be_trusted_is_told():
    with pytest.raises(LedgerCorrupt):
        overview(HostFacts(ledger="torn\n"), SETTINGS)


def test_the_table():
    assert render_table(SEEN, 20).splitlines() == [
        "               RELEASE  VERSION       STAGE      WHEN                  BY         IMAGE"
        "         MIGRATIONS  HOST  WHY",
        "current        3        333333333333  activated  2026-11-23T10:21:00Z  ann <a@b>  "
        "333333333333  2           yes   a | b",
        "               2        222222222222  abandoned  2026-11-23T10:20:00Z  ann <a@b>  "
        "222222222222              no    it never served; found by the run of release 3",
        "previous good  1        111111111111  verified   2026-11-23T10:02:00Z  ann <a@b>  "
        "111111111111  1           yes",
    ]


def test_a_table_of_the_newest():
    assert len(render_table(SEEN, 1).splitlines()) == 2


def test_a_table_of_nothing():
    assert render_table(Overview("staging"), 20) == "staging has no release yet"


def test_what_a_terminal_would_obey_is_left_out_and_long_reasons_are_cut():
    (first, *_) = SEEN.releases
    odd = replace(SEEN, releases=(replace(first, reason="\x1b[2J two\nlines " + "x" * 99),))

    assert render_table(odd, 1).splitlines()[1].split("yes")[1].strip() == (
        "[2J two lines " + "x" * 43 + "..."
    )


@pytest.mark.parametrize(
    ("live", "told"),
    [
        ("web-r1", "The proxy sends requests to release 1, and the ledger's current one is 3: "),
        ("", "The proxy sends requests to no release, and the ledger's current one is 3: "),
    ],
)
def test_a_proxy_and_a_ledger_that_do_not_agree_are_told(live: str, told: str):
    cut = overview(replace(FACTS, live=live), SETTINGS)

    assert render_table(cut, 1).splitlines()[-1].startswith(told)
    assert told in render_state(cut, ())


def test_the_json_has_the_fields_that_stay():
    told = json.loads(render_json(SEEN, 2))

    assert {name: told[name] for name in told if name != "releases"} == {
        "environment": "rehearsal",
        "live": 3,
        "current": 3,
        "previous_good": 1,
        "since": "2026-11-23T10:21:00Z",
    }
    assert told["releases"][1] == {
        "number": 2,
        "version": "2" * 40,
        "image": f"sha256:{'2' * 64}",
        "stage": "abandoned",
        "at": "2026-11-23T10:20:00Z",
        "actor": "ann <a@b>",
        "reason": "it never served; found by the run of release 3",
        "run_id": "run-1",
        "migrations": None,
        "on_host": False,
    }
    assert len(told["releases"]) == 2


def test_the_state_of_an_environment():
    history = read_ledger(LEDGER).entries[-2:]

    assert render_state(SEEN, history) == (
        "# rehearsal: release 3 serves\n"
        "\n"
        f"- **version:** `{'3' * 40}`\n"
        f"- **image:** `sha256:{'3' * 64}`\n"
        "- **stage:** activated\n"
        "- **since:** 2026-11-23T10:21:00Z by ann &lt;a@b>\n"
        "- **reason:** a | b\n"
        "- **previous good one:** release 1 (`111111111111`)\n"
        "\n"
        "| when | release | version | what happened | why | by |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| 2026-11-23T10:21:00Z | 3 | 333333333333 | activated | a \\| b | ann &lt;a@b> |\n"
        "| 2026-11-23T10:20:00Z | 2 | 222222222222 | abandoned | it never served; found by the run "
        "of release 3 | ann &lt;a@b> |\n"
    )


def test_the_state_before_anything_served():
    begun = overview(HostFacts(ledger=line(1, "prepared", 0)), SETTINGS)

    assert render_state(begun, ()).startswith("# rehearsal: nothing serves yet\n\n\n| when |")


def test_the_state_of_a_first_release():
    first = overview(
        replace(FACTS, ledger=line(1, "prepared", 0) + line(1, "activated", 1)), SETTINGS
    )

    assert "- **reason:** the merge itself\n- **previous good one:** none\n" in render_state(
        first, ()
    )
