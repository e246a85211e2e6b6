"""Schema contracts as text: nothing is lost, and equal contracts have equal texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from rollout.errors import ConfigInvalid
from rollout.migrations.contract_json import (
    fingerprint,
    parse_contract,
    render_contract,
    text_fingerprint,
)
from tests.support.contracts import NOTE, column, contract, contracts, table

if TYPE_CHECKING:
    from rollout.model.contract import Contract


@given(contracts)
def test_a_contract_survives_its_text(any_contract: Contract):
    text = render_contract(any_contract)

    assert parse_contract(text) == any_contract
    assert render_contract(parse_contract(text)) == text


def test_the_text_is_written_out_in_one_order():
    small = contract(table(column("é", "integer", may=()), may=()))

    assert render_contract(small) == (
        '{"domains":[],"enums":[],"format":1,"functions":[],"other":[],"relations":[{"checks":[],'
        '"columns":[{"collation":"","default":null,"generated":"","identity":"","may":[],'
        '"name":"é","not_null":false,"sequence":"","sequence_usable":true,"type":"integer"}],'
        '"definition":"","foreign_keys":[],"keys":[],"kind":"table","may":[],"name":"public.note",'
        '"other":[],"parent":"","policies":[],"row_security":false,"rules":[],"triggers":[]}],'
        '"role":"app","sequences":[],"settings":[]}\n'
    )


def test_the_fingerprint_is_the_same_for_the_same_contract_only():
    assert fingerprint(contract(NOTE)) == fingerprint(contract(NOTE))
    assert fingerprint(contract(NOTE)) != fingerprint(contract())
    assert len(fingerprint(contract())) == 64
    assert text_fingerprint(render_contract(contract(NOTE))) == fingerprint(contract(NOTE))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "text: Invalid JSON: EOF while parsing a value at line 1 column 0"),
        ("{}", "role: Field required"),
        ('{"role": 1}', "role: Input should be a valid string"),
        (
            '{"role": "app", "relations": [{"name": "a"}]}',
            "relations.0.kind: Field required",
        ),
    ],
)
def test_what_is_no_contract_is_told(text: str, problem: str):
    with pytest.raises(ConfigInvalid) as invalid:
        parse_contract(text)

    assert invalid.value.true == f"schema contract: {problem}"


def test_another_form_is_not_read():
    text = json.dumps({"role": "app", "format": 2})

    with pytest.raises(ConfigInvalid, match="format: should be 1, not 2"):
        parse_contract(text)
