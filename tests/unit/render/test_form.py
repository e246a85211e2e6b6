"""The list of releases in the form of a rollback."""

from __future__ import annotations

import pytest

from rollout.render.form import as_offered, choices_of, with_choices

SCHEMA = {"title": "Parameters", "properties": {"to": {"type": "string", "default": ""}, "b": {}}}
CHOICES = ("13 beefbeefbeef", "12 c0ffeec0ffee")


def test_the_form_offers_releases_and_the_last_good_one():
    offered = with_choices(SCHEMA, CHOICES)

    assert offered["properties"]["to"] == {
        "type": "string",
        "default": "",
        "enum": ["", "13 beefbeefbeef", "12 c0ffeec0ffee"],
    }
    assert offered["properties"]["b"] == {}
    assert choices_of(offered) == CHOICES


def test_without_releases_any_text_passes_again():
    assert with_choices(with_choices(SCHEMA, CHOICES), ()) == SCHEMA
    assert choices_of(SCHEMA) == ()


def test_another_flow_has_no_list():
    other = {"properties": {"commit": {"type": "string"}}}

    assert with_choices(other, CHOICES) == other
    assert with_choices({}, CHOICES) == {}


@pytest.mark.parametrize(
    ("wanted", "choice"),
    [
        ("12", CHOICES[1]),
        ("c0ffeec", CHOICES[1]),
        ("C0FFEEC0FFEE" + "0" * 28, CHOICES[1]),
        (CHOICES[0], CHOICES[0]),
        ("", ""),
        ("c0ffee", "c0ffee"),
        ("14", "14"),
        ("latest", "latest"),
    ],
)
def test_what_a_person_types_is_found_in_the_list(wanted: str, choice: str):
    assert as_offered(wanted, CHOICES) == choice
