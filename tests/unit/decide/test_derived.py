"""Contracts that are derived from migrations: what they say of rights, and when there is none."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.commands.contracts import (
    keep_derived_command,
    parse_contracts,
    read_contracts_command,
)
from rollout.decide.candidates import contract_of, is_derived
from rollout.decide.derived import why_not_replayed
from rollout.migrations.contract_json import fingerprint, render_contract
from rollout.migrations.derived import as_allowed_now
from rollout.migrations.journal import parse
from rollout.model.contract import Function, Sequence
from rollout.model.finding import Finding
from rollout.model.host import HostFacts, StoredContracts
from rollout.model.layout import Layout
from rollout.render.release import render_release
from tests.support.contracts import NOTE, column, contract, note, table
from tests.support.values import release

if TYPE_CHECKING:
    from pathlib import Path

    from rollout.model.release import Release

JOURNAL = {
    "meta/_journal.json": '{"entries": [{"idx": 0, "when": 1000, "tag": "0000_a"}]}',
    "0000_a.sql": "select 1",
}
BARE = release(3, contract="", migrations=("0000_a",))


def stored(*releases: Release, **more: dict[int, str]) -> StoredContracts:
    facts = HostFacts(releases={one.number: render_release(one) for one in releases})
    return StoredContracts(facts, **more)


def test_rights_and_settings_are_those_of_today_and_what_is_gone_was_allowed():
    silent = contract(
        replace(NOTE, may=(), columns=tuple(replace(one, may=()) for one in NOTE.columns)),
        table(column("id", may=()), name="public.gone", may=()),
        sequences=(Sequence("public.counter", usable=False),),
        functions=(Function("public.f()", "1", usable=False),),
    )
    today = note(column("body", may=("SELECT",)), without="title", may=("SELECT",))
    today = replace(today, settings=("statement_timeout=5s",), sequences=silent.sequences)

    one = as_allowed_now(silent, today)

    kept, gone = one.relations
    assert (kept.may, gone.may) == (("SELECT",), ("DELETE", "INSERT", "SELECT", "UPDATE"))
    rights = {each.name: each.may for each in (*kept.columns, *gone.columns)}
    everything = ("INSERT", "SELECT", "UPDATE")
    assert rights == {"id": everything, "body": ("SELECT",), "title": everything}
    assert one.settings == ("statement_timeout=5s",)
    assert (one.sequences[0].usable, one.functions[0].usable) == (False, True)


@pytest.mark.parametrize(
    ("one", "files", "told"),
    [
        (BARE, JOURNAL, ""),
        (BARE, {"meta/_journal.json": '{"entries": []}'}, "its commit has no migrations"),
        (replace(BARE, migrations=("0001_b",)), JOURNAL, "are not those that it was deployed with"),
        (BARE, {"meta/_journal.json": "{"}, "meta/_journal.json of its commit cannot be read"),
    ],
)
def test_only_what_it_was_deployed_with_is_replayed(one: Release, files: dict[str, str], told: str):
    why = why_not_replayed(one, parse(files))

    assert told in why
    assert bool(why) == bool(told)


def test_the_derived_contract_is_taken_where_there_is_no_other():
    text = render_contract(note())
    own = release(3, contract=fingerprint(note(column("own"))), migrations=("0000_a",))
    its_own = stored(own, texts={3: render_contract(note(column("own")))}, derived={3: text})

    assert contract_of(stored(BARE, derived={3: text}), 3) == note()
    assert is_derived(stored(BARE, derived={3: text}), 3)
    assert contract_of(its_own, 3) == note(column("own"))
    assert not is_derived(its_own, 3)
    torn = contract_of(stored(BARE, derived={3: text[:9]}), 3)
    assert isinstance(torn, Finding)
    assert torn.rule == "contract-unreadable"


def test_a_refusal_says_why_none_could_be_derived():
    finding = contract_of(stored(BARE, underived={3: "its commit has no migrations"}), 3)

    assert isinstance(finding, Finding)
    assert (finding.rule, finding.consequence) == (
        "no-contract",
        "release 3 has no schema contract, and none could be derived: its commit has no migrations",
    )


def test_it_is_kept_with_its_release_and_read_again(tmp_path: Path):
    folder = tmp_path / "releases/3"
    folder.mkdir(parents=True)
    (folder / "release.json").write_text("described\n")
    layout, text = Layout(str(tmp_path)), render_contract(note())
    keep = keep_derived_command(layout, 3, text)

    for _ in range(2):
        subprocess.run(keep.argv, input=str(keep.stdin), text=True, check=True)

    done = subprocess.run(
        read_contracts_command(layout).argv, capture_output=True, text=True, check=True
    )
    assert parse_contracts(done.stdout).derived == {3: text}
    assert sorted(one.name for one in folder.iterdir()) == ["derived-contract.json", "release.json"]
