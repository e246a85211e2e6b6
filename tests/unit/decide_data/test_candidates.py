"""Releases by their contracts, and what people read of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.decide.candidates import contract_of, find_release, judge_candidates
from rollout.decide.compatible.judge import compatible
from rollout.executors.files import read_environment
from rollout.ledger import Entry
from rollout.migrations.contract_json import fingerprint, render_contract
from rollout.model.finding import Finding, Refuse
from rollout.model.host import HostFacts, StoredContracts
from rollout.model.judgement import Judgement
from rollout.model.overview import ReleaseLine
from rollout.render.release import parse_release, render_release
from rollout.render.schema import (
    candidates_json,
    comparison_json,
    render_candidates,
    render_comparison,
)
from tests.support.contracts import column, contract, note, table
from tests.support.values import release

if TYPE_CHECKING:
    from rollout.model.contract import Contract

SETTINGS = read_environment("rehearsal")
BOTH = note(column("extra"))


def stored(contracts: dict[int, Contract | None], live: int = 13) -> StoredContracts:
    """Return a host where these releases were deployed in order; None stands for no contract."""
    releases = {
        number: release(
            number, contract=fingerprint(one) if one else "", migrations=(f"{number:04}",)
        )
        for number, one in contracts.items()
    }
    entries = [
        Entry(number, event, one.version.sha, one.image.digest)
        for number, one in releases.items()
        for event in ("prepared", "activated", "verified")
    ]
    return StoredContracts(
        HostFacts(
            live=f"web-r{live}",
            ledger="".join(f"{json.dumps(_said(one))}\n" for one in entries),
            releases={number: render_release(one) for number, one in releases.items()},
        ),
        {number: render_contract(one) for number, one in contracts.items() if one},
    )


def _said(entry: Entry) -> dict[str, object]:
    return {"release": entry.release, "event": entry.event, "version": entry.version,
            "digest": entry.digest, "at": "2026-11-25T10:00:00Z"}  # fmt: skip


HOST = stored({11: None, 12: note(), 13: BOTH})


def test_the_contract_of_a_release():
    assert contract_of(HOST, 12) == note()


def test_the_contract_of_the_same_migrations_stands_in():
    alike = {
        number: render_release(replace(parse_release(text), migrations=("0001",)))
        for number, text in HOST.facts.releases.items()
    }

    assert contract_of(replace(HOST, facts=replace(HOST.facts, releases=alike)), 11) == BOTH


@pytest.mark.parametrize(
    ("there", "number", "rule", "told"),
    [
        pytest.param(HOST, 11, "no-contract", "release 11 has no schema contract", id="before"),
        pytest.param(
            HOST, 4, "folder-gone", "the host no longer has the folder of release 4", id="pruned"
        ),
        pytest.param(
            replace(HOST, texts={12: render_contract(BOTH)}),
            12,
            "contract-altered",
            "the schema contract of release 12 is not the one of its release.json",
            id="another text",
        ),
        pytest.param(
            stored({12: replace(note(), format=9)}),
            12,
            "contract-unreadable",
            "the schema contract of release 12 cannot be read: format: should be 1, not 9",
            id="another form",
        ),
    ],
)
def test_why_there_is_none(there: StoredContracts, number: int, rule: str, told: str):
    finding = contract_of(there, number)

    assert isinstance(finding, Finding)
    assert (finding.rule, finding.consequence) == (rule, told)
    assert finding.where == f"releases/{number}/contract.json on the host"


def test_a_release_is_found_by_number_and_by_commit():
    by_number = find_release(HOST, "12", SETTINGS)
    by_commit = find_release(HOST, "ccccccc", SETTINGS)

    assert isinstance(by_number, ReleaseLine)
    assert by_number.number == 12
    assert by_commit == by_number


@pytest.mark.parametrize("wanted", ["7", "fffffff", "c", "", "latest"])
def test_a_release_that_is_none(wanted: str):
    refused = find_release(HOST, wanted, SETTINGS)

    assert isinstance(refused, Refuse)
    (finding,) = refused.findings
    assert finding.consequence == f"the ledger has no release {wanted}"
    assert finding.help.endswith("it has 13, 12, 11.")


def test_candidates_as_a_table():
    found = judge_candidates(HOST, note(), SETTINGS)

    assert render_candidates("production", found) == (
        "        RELEASE  VERSION       STAGE     GRADE  WHY\n"
        "serves  13       dddddddddddd  verified  BREAK  column-gone public.note.extra\n"
        "        12       cccccccccccc  verified  OK     image compatible\n"
        "        11       bbbbbbbbbbbb  verified  -      "
        "no contract: release 11 has no schema contract"
    )


def test_many_reasons_are_counted_and_harmless_ones_named():
    many = contract(table(*(column(name) for name in "abcde")))
    (candidate,) = judge_candidates(stored({13: many}), contract(table()), SETTINGS)
    (harmless,) = judge_candidates(
        stored({13: note(column("title", "text", not_null=True))}), note(column("title")), SETTINGS
    )

    (row,) = render_candidates("x", (candidate,)).splitlines()[1:]
    assert row.endswith(
        "BREAK  column-gone public.note.a; column-gone public.note.b; "
        "column-gone public.note.c and 2 more"
    )
    (row,) = render_candidates("x", (harmless,)).splitlines()[1:]
    assert row.endswith("LOW    image compatible: null-allowed public.note.title")


def test_a_bare_host_has_no_candidates():
    assert judge_candidates(StoredContracts(), note(), SETTINGS) == ()
    assert render_candidates("production", ()) == "production has no release yet"
    assert candidates_json("production", ()) == '{"environment": "production", "releases": []}'


def test_candidates_as_json():
    said = json.loads(candidates_json("production", judge_candidates(HOST, note(), SETTINGS)))

    newest, former, oldest = said["releases"]
    reason = newest["reasons"][0]
    assert {**newest, "reasons": len(newest["reasons"])} == {
        "number": 13,
        "version": "d" * 40,
        "stage": "verified",
        "on_host": True,
        "serves": True,
        "grade": "BREAK",
        "reasons": 1,
        "no_contract": "",
    }
    assert set(reason) == {"grade", "rule", "where", "consequence", "help"}
    assert (former["grade"], former["reasons"], former["serves"]) == ("OK", [], False)
    assert (oldest["grade"], oldest["no_contract"]) == (None, "release 11 has no schema contract")


def compared() -> tuple[ReleaseLine, Judgement]:
    line = find_release(HOST, "13", SETTINGS)
    assert isinstance(line, ReleaseLine)
    return line, compatible(BOTH, note())


def test_a_comparison_in_full():
    line, judgement = compared()
    (reason,) = judgement.reasons

    assert render_comparison(line, judgement).splitlines() == [
        "release 13 (dddddddddddd): BREAK",
        "",
        "BREAK column-gone: public.note.extra",
        f"  consequence: {reason.finding.consequence}",
        f"  help: {reason.finding.help}",
    ]
    assert render_comparison(line, Judgement()) == "release 13 (dddddddddddd): OK"


def test_a_comparison_as_json():
    line, judgement = compared()
    said = json.loads(comparison_json("production", line, judgement))

    assert (said["environment"], said["release"], said["version"], said["grade"]) == (
        "production",
        13,
        "d" * 40,
        "BREAK",
    )
    assert [one["where"] for one in said["reasons"]] == ["public.note.extra"]
