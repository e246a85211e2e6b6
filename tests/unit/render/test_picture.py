"""The picture of a switch, and its figures."""

from __future__ import annotations

from base64 import b64decode
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.model.sample import Sample
from rollout.render.picture import Watched, data_uri, render_picture, summarise
from tests.support.values import release

NEW = release(2, "b")
OLD, OWN = ("a" * 40, "web-r1"), ("b" * 40, "web-r2")
SVG = "{http://www.w3.org/2000/svg}"


def answered(at_s: float, who: tuple[str, str], latency_s: float = 0.0625) -> Sample:
    return Sample(at_s, latency_s, 200, "healthy", *who)


def lost(at_s: float, http_status: int | None = None) -> Sample:
    return Sample(at_s, 0.5, http_status)


SWITCH = (
    *(answered(tick / 4, OLD) for tick in range(8)),
    *(answered(2 + tick / 4, OWN) for tick in range(8)),
)


def parts(samples: tuple[Sample, ...]) -> tuple[list[str], list[str]]:
    """Return the kinds of the rectangles and the words of the texts, in order."""
    picture = ET.fromstring(render_picture(samples, NEW, "web"))
    kinds = [str(one.get("class")) for one in picture.iter(f"{SVG}rect")]
    return kinds, [str(one.text) for one in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param(SWITCH, Watched(16, 0, 3.8125, 2.0, 0.0625, 0.25), id="a switch"),
        pytest.param(
            (answered(0, OLD), lost(0.5), lost(1, 502), answered(2, OWN)),
            Watched(4, 2, 2.0625, 2.0, 0.0625, 2.0),
            id="a gap",
        ),
        pytest.param((lost(0), lost(1)), Watched(2, 2, 1.5, None, 0.0, 0.0), id="nothing serves"),
        pytest.param(
            (answered(0, OLD), answered(1, OLD, 1.5)),
            Watched(2, 0, 2.5, None, 1.5, 2.4375),
            id="never switched",
        ),
        pytest.param(
            (answered(0, ("b" * 40, "web-r1")), answered(1, ("b" * 40, "web-r2"))),
            Watched(2, 0, 1.0625, 1.0, 0.0625, 1.0),
            id="the same version in another release",
        ),
        pytest.param(
            (answered(0, ("a" * 40, "")), answered(1, ("b" * 40, ""))),
            Watched(2, 0, 1.0625, 1.0, 0.0625, 1.0),
            id="a proxy that names nobody",
        ),
        pytest.param(
            (lost(0), answered(1, OWN, 0.25)),
            Watched(2, 1, 1.25, 1.0, 0.25, 0.0),
            id="the first release",
        ),
    ],
)
def test_the_figures(samples: tuple[Sample, ...], expected: Watched):
    assert summarise(samples, NEW, "web") == expected


def test_a_release_that_was_never_seen():
    assert summarise((lost(0),), NEW, "web").sentence() == (
        "1 requests in 0.5 s, 1 lost; never seen switched; slowest answer 0 ms, longest pause 0 ms"
    )


def test_a_switch_without_a_loss():
    kinds, words = parts(SWITCH)

    assert kinds == ["ground", *["old"] * 4, *["new"] * 3, "old", "new"]
    assert words == [
        "requests per second, by who answered",
        "4/s",
        "0/s",
        *("0 s", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s", "3.5 s"),
        "web-r1 aaaaaaaaaaaa: 8",
        "web-r2 bbbbbbbbbbbb: 8",
        "errors: 0",
        "switch, 2.0 s",
    ]


def test_errors_stand_on_top_and_in_a_row_of_their_own():
    samples = (answered(0, OLD), lost(0.25), lost(0.75), answered(1.5, OWN), answered(2, OWN))
    kinds, words = parts(samples)

    assert kinds == ["ground", "old", "lost", "lost", "new", "old", "new", "lost", "lost"]
    assert "errors: 2" in words


def test_who_answers_may_call_itself_anything():
    names = [("", f"{n}</svg>\0<script>&" * 9) for n in range(9)]
    samples = (*(answered(n / 10, who) for n, who in enumerate(names)), answered(1, OWN))
    _, words = parts(samples)

    told = [one for one in words if one.endswith(": 1")]
    assert [one[:10] for one in told] == [*(f"{n}</svg><sc" for n in (0, 1, 2)), "web-r2 bbb"]
    assert all(len(one) <= 43 for one in told)


def test_an_address_holds_the_whole_picture():
    kind, text = data_uri("<svg>ü</svg>").split(",")

    assert kind == "data:image/svg+xml;base64"
    assert b64decode(text).decode() == "<svg>ü</svg>"


SEEN = st.builds(
    Sample,
    at_s=st.floats(0, 4000),
    latency_s=st.floats(0, 10),
    http_status=st.sampled_from([None, 200, 404, 500]),
    version=st.sampled_from(["", "a" * 40, "b" * 40]),
    upstream=st.sampled_from(["", "web-r1", "web-r2"]),
)


@given(st.lists(SEEN, min_size=1, max_size=200))
def test_whatever_was_seen_the_picture_is_one_and_small(samples: list[Sample]):
    samples.sort(key=lambda one: one.at_s)
    text = render_picture(samples, NEW, "web")

    picture = ET.fromstring(text)
    assert picture.get("role") == "img"
    assert summarise(samples, NEW, "web").sentence() in str(picture[0].text)
    assert len(text) < 40_000
    height = float(str(picture.get("height")))
    for one in picture.iter(f"{SVG}rect"):
        x, y = float(one.get("x", 0)), float(one.get("y", 0))
        assert 0 <= x <= x + float(str(one.get("width"))) <= 760
        assert 0 <= y <= y + float(str(one.get("height"))) <= height
