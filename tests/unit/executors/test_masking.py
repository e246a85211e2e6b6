"""What is hidden of a text, and what is left to be read."""

from __future__ import annotations

import pytest

from rollout.decide.public import public_facts
from rollout.executors.masking import masking
from rollout.model.command import Secret

PUBLIC = public_facts("https://trovella.ai/api/health", "europe-docker.pkg.dev")


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hunter22", "password hunter22 was wrong", "password ******** was wrong"),
        ("first line\nlast line", "it says last line", "it says ********"),
        ("redis://:pa%20ss@cache", "pa ss and pa%20ss", "******** and ********"),
        ("abcdef", "xabcdefabcdefx", "x****************x"),
        ('Kd"f\\ö', r'{"msg": "Kd\"f\\ö"}', '{"msg": "********"}'),
        ('Kd"f\\ö', r'{"msg": "Kd\"f\\\u00f6"}', '{"msg": "********"}'),
        ("no", "no secret is that short", "no secret is that short"),
    ],
)
def test_a_secret_is_hidden_whole_and_in_part(secret: str, text: str, shown: str):
    assert masking([Secret(secret)])(text) == shown


def test_of_secrets_that_overlap_nothing_is_left():
    assert masking([Secret("one-two"), Secret("two-three")])("one-two-three") == "********"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("https://trovella.ai", "What users see: https://trovella.ai/api/health."),
        ("https://trovella.ai", "https://trovella.ai/sign-in answers 500"),
        ("trovella.ai", "https://trovella.ai/api/health answers 502"),
        ("trovella", "trovella.ai does not resolve"),
        ("europe-docker.pkg.dev", "europe-docker.pkg.dev/project/web: denied"),
    ],
)
def test_what_everybody_knows_is_shown_whatever_a_secret_equals_of_it(secret: str, text: str):
    assert masking([Secret(secret)], PUBLIC)(text) == text


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("https://app:pa55@trovella.ai/x", "to https://app:pa55@trovella.ai/x", "to ********"),
        ("https://trovella.ai/?key=pa55", "at https://trovella.ai/?key=pa55", "at ********"),
        ("ai/api/health?key", "https://trovella.ai/api/health?key", "https://trovella.********"),
        ("trovella.ai", "login.trovella.ai, not trovella.aid", "login.********, not ********d"),
        ("trovella", "user trovella at trovella.ai", "user ******** at trovella.ai"),
    ],
)
def test_a_secret_with_more_than_that_in_it_is_hidden_whole(secret: str, text: str, shown: str):
    assert masking([Secret(secret)], PUBLIC)(text) == shown
