"""The environment file; what a container sees of it is asked in tests/integration/test_env.py."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import ConfigInvalid
from rollout.model.command import Secret
from rollout.render.env import render_env


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "A='plain'\n"),
        ("", "A=''\n"),
        ("two words # no comment", "A='two words # no comment'\n"),
        ('$HOME "and" `id`', "A='$HOME \"and\" `id`'\n"),
        ("line\nline", "A='line\nline'\n"),
        ("schöne Grüße 👋", "A='schöne Grüße 👋'\n"),
        ("it's", 'A="it\'s"\n'),
        ("back\\slash", 'A="back\\\\slash"\n'),
        ('it\'s $5 "or" \\n', 'A="it\'s \\$5 \\"or\\" \\\\n"\n'),
        ("windows\r\nline", 'A="windows\\r\nline"\n'),
    ],
)
def test_a_value_is_quoted_so_that_it_stays(value: str, line: str):
    assert render_env({"A": Secret(value)}).reveal() == line


def test_variables_stand_in_order_whatever_order_they_came_in():
    assert render_env({"B": Secret("2"), "A": Secret("1")}).reveal() == "A='1'\nB='2'\n"


def test_the_text_is_a_secret():
    assert "hunter2" not in repr(render_env({"A": Secret("hunter2")}))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("A B", "1", "secrets: 'A B' is no name of a variable"),
        ("1A", "1", "secrets: '1A' is no name of a variable"),
        ("A", "hunter2\0", "secrets.A: holds a zero byte, which no variable can"),
    ],
)
def test_what_cannot_stand_in_an_environment(name: str, value: str, told: str):
    with pytest.raises(ConfigInvalid) as caught:
        render_env({name: Secret(value)})

    assert caught.value.true == told


VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
# In double quotes compose takes a backslash away before these, and turns `\\r` into the character.
ESCAPE = re.compile(r'\\([\\"$r])')


def read_as_compose_does(line: str) -> str:
    """Return the value of a line by compose's rules, for values that are quoted."""
    quote, inner = line[2], line[3:-2]
    assert line[-2:] == f"{quote}\n"
    if quote == "'":
        assert "'" not in inner
        return inner
    # No bare dollar and no bare quote is left: the one would be replaced, the other end the value.
    assert not re.search(r'[$"]', ESCAPE.sub("", inner))
    return ESCAPE.sub(lambda found: "\r" if found[1] == "r" else found[1], inner)


@given(VALUES)
def test_any_value_can_be_read_back(value: str):
    assert read_as_compose_does(render_env({"A": Secret(value)}).reveal()) == value
