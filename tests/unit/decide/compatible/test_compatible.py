"""The relation between a contract and a live schema: each of its rows, and what holds for all."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from rollout.decide.compatible.judge import RULES, compatible
from rollout.model.finding import Finding
from rollout.model.judgement import Grade, Judgement, Reason
from tests.support.contracts import NOTE, column, contract, contracts, note, table
from tests.unit.decide.compatible.rows import ROWS

if TYPE_CHECKING:
    from rollout.model.contract import Contract

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "rollout/decide/compatible"


def spoken(judgement: Judgement) -> set[str]:
    return {f"{reason.grade.name} {reason.finding.rule}" for reason in judgement.reasons}


@pytest.mark.parametrize(("old", "new", "expected"), ROWS.values(), ids=ROWS.keys())
def test_row(old: Contract, new: Contract, expected: set[str]):
    judgement = compatible(old, new)

    assert spoken(judgement) == expected
    assert judgement.grade == max((reason.grade for reason in judgement.reasons), default=0)
    assert spoken(compatible(old, old)) == spoken(compatible(new, new)) == set()


def test_every_rule_has_a_row_in_which_it_speaks():
    seen = {word.split()[1] for *_, expected in ROWS.values() for word in expected}

    assert seen == {rule.name for rule in RULES}


def test_rules_code_and_page_agree():
    names = [rule.name for rule in RULES]
    page = (ROOT / "docs/contract.md").read_text()
    families = [
        import_module(f"rollout.decide.compatible.{path.stem}")
        for path in FOLDER.glob("*.py")
        if "RULES = (" in path.read_text()
    ]

    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == names
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    assert {rule.name for family in families for rule in family.RULES} == set(names)
    assert all(rule.help.endswith(".") for rule in RULES)


@given(contracts)
def test_it_is_reflexive(any_contract: Contract):
    assert compatible(any_contract, any_contract) == Judgement()


@given(contracts, contracts)
def test_it_is_total_and_the_worst_reason_comes_first(old: Contract, new: Contract):
    judgement = compatible(old, new)

    grades = [reason.grade for reason in judgement.reasons]
    assert grades == sorted(grades, reverse=True)
    assert judgement.grade == (grades[0] if grades else Grade.OK)


def test_a_reason_says_where_what_follows_and_what_to_do():
    judgement = compatible(note(), note(without="body"))

    assert judgement == Judgement(
        (
            Reason(
                Grade.BREAK,
                Finding(
                    "column-gone",
                    "each read and insert of this table names it",
                    "public.note.body",
                    "Add the column again, able to be NULL; its values do not come back by that.",
                ),
            ),
        )
    )
    assert judgement.describe() == (
        "BREAK\nBREAK column-gone: public.note.body: each read and insert of this table names it"
    )
    assert compatible(note(), note()).describe() == "OK"


def test_a_later_repair_makes_the_break_vanish():
    broken = note(column("extra", not_null=True))
    repaired = note(column("extra", not_null=True, default="''::text"))

    assert compatible(note(), broken).grade == Grade.BREAK
    assert compatible(note(), repaired).grade == Grade.OK


def test_it_is_not_symmetric():
    assert compatible(note(), note(column("extra"))).grade == Grade.OK
    assert compatible(note(column("extra")), note()).grade == Grade.BREAK


@pytest.mark.parametrize("may", [(), ("SELECT",)])
def test_what_the_role_cannot_write_is_no_break(may: tuple[str, ...]):
    closed = [column(one.name, one.type, may=may) for one in NOTE.columns]
    old = contract(table(*closed, may=may))
    new = contract(table(*closed, column("extra", not_null=True), may=may))

    assert spoken(compatible(old, new)) == {"RISK unknown-column-required"}
