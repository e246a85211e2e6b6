"""What a look at the public address leads to, with and without one from before the switch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.config import Verify
from rollout.decide.outside import address_checks, health_checks, is_no_worse
from rollout.limits import Limits
from rollout.model.outside import Dependency, Outside, Tls
from rollout.model.probe import ProbeReport

if TYPE_CHECKING:
    from rollout.model.finding import Check

URL = "https://trovella.ai/api/health"
VERIFY = Verify(url=URL)
LIMITS = Limits()
WELL = (Dependency("database", True, 4), Dependency("redis", True, 2))
REDIS_DOWN = (Dependency("database", True, 4), Dependency("redis", False, 2001))
BOTH_DOWN = (Dependency("database", False, 9), Dependency("redis", False, 2001))
NOW = Outside(
    URL,
    "healthy",
    dependencies=WELL,
    tls=Tls(days_left=60, protocol="h2"),
    offers_http3=True,
    plain="308 to https://trovella.ai/api/health",
    latencies_ms=(20.0, 30.0, 40.0),
)
DEGRADED = replace(NOW, status="degraded", dependencies=REDIS_DOWN)


def wrong(checks: tuple[Check, ...]) -> list[tuple[str, str, str]]:
    return [(one.name, one.seen, one.weight) for one in checks if not one.ok]


def health(
    status: str, dependencies: tuple[Dependency, ...], before: Outside | None
) -> list[tuple[str, str, str]]:
    report = ProbeReport(URL, 1, 200, status, dependencies=dependencies)
    return wrong(tuple(health_checks(report, VERIFY, before)))


def test_an_address_that_is_as_it_should_be():
    checks = address_checks(NOW, None, LIMITS)

    assert [(one.name, one.expected, one.seen) for one in checks] == [
        ("certificate from outside", "valid for 7 days more", "60.0 days"),
        ("protocol from outside", "HTTP/2", "HTTP/2"),
        ("HTTP/3 from outside", "offered", "offered"),
        ("plain HTTP from outside", "sent on to HTTPS", "308 to https://trovella.ai/api/health"),
        ("requests answered from outside", "all of 3", "3 of 3"),
        ("latency p50 from outside", "at most 2000 ms", "30 ms"),
        ("latency p95 from outside", "at most 5000 ms", "40 ms"),
        ("latency max from outside", "at most 8000 ms", "40 ms"),
    ]
    assert wrong(checks) == []


def test_an_address_without_tls_is_asked_for_speed_alone():
    checks = address_checks(replace(NOW, tls=None, plain=""), None, LIMITS)

    assert {one.name.split()[0] for one in checks} == {"requests", "latency"}


def test_no_latency_is_measured_where_none_is_asked_for():
    none = replace(NOW, tls=None, plain="", latencies_ms=())

    assert address_checks(none, None, Limits(requests=0)) == ()
    assert address_checks(none, None, LIMITS) == ()


EXPIRED = Tls("certificate has expired")
SLOW = replace(NOW, latencies_ms=(2500.0, 2500.0, 9000.0))


@pytest.mark.parametrize(
    ("now", "before", "seen"),
    [
        pytest.param(
            replace(NOW, tls=Tls(days_left=6.9, protocol="h2")),
            None,
            [("certificate from outside", "6.9 days", "refuse")],
            id="too few days are left",
        ),
        pytest.param(
            replace(NOW, tls=Tls(days_left=6.9, protocol="h2")),
            replace(NOW, tls=Tls(days_left=6.9)),
            [("certificate from outside", "6.9 days, as before the activation", "warn")],
            id="too few days were left before",
        ),
        pytest.param(
            replace(NOW, tls=EXPIRED),
            NOW,
            [
                ("certificate from outside", "certificate has expired", "refuse"),
            ],
            id="the certificate does not hold any more",
        ),
        pytest.param(
            replace(NOW, tls=Tls(days_left=60, protocol="http/1.1")),
            NOW,
            [("protocol from outside", "http/1.1", "warn")],
            id="no HTTP/2",
        ),
        pytest.param(
            replace(NOW, offers_http3=False),
            NOW,
            [("HTTP/3 from outside", "not offered", "warn")],
            id="no HTTP/3",
        ),
        pytest.param(
            replace(NOW, redirect="https://www.trovella.ai/api/health"),
            NOW,
            [
                (
                    "answer from outside",
                    "a redirect to https://www.trovella.ai/api/health, not followed",
                    "refuse",
                )
            ],
            id="a redirect is told and not followed",
        ),
        pytest.param(
            replace(NOW, plain="200"),
            NOW,
            [("plain HTTP from outside", "200", "warn")],
            id="plain HTTP is answered",
        ),
        pytest.param(
            replace(NOW, lost=1),
            NOW,
            [("requests answered from outside", "3 of 4", "refuse")],
            id="a request was lost",
        ),
        pytest.param(
            replace(NOW, latencies_ms=(), lost=2),
            NOW,
            [("requests answered from outside", "0 of 2", "refuse")],
            id="all were lost, so nothing is said of their speed",
        ),
        pytest.param(
            replace(NOW, lost=1),
            replace(NOW, lost=2),
            [("requests answered from outside", "3 of 4, as before the activation", "warn")],
            id="more were lost before",
        ),
        pytest.param(
            SLOW,
            NOW,
            [
                ("latency p50 from outside", "2500 ms", "refuse"),
                ("latency p95 from outside", "9000 ms", "refuse"),
                ("latency max from outside", "9000 ms", "refuse"),
            ],
            id="the release made it slow",
        ),
        pytest.param(
            SLOW,
            SLOW,
            [
                ("latency p50 from outside", "2500 ms, as before the activation", "warn"),
                ("latency p95 from outside", "9000 ms, as before the activation", "warn"),
                ("latency max from outside", "9000 ms, as before the activation", "warn"),
            ],
            id="it was as slow before",
        ),
    ],
)
def test_what_is_not_as_it_should_be(
    now: Outside, before: Outside | None, seen: list[tuple[str, str, str]]
):
    assert wrong(address_checks(now, before, LIMITS)) == seen


def test_a_dependency_that_this_release_broke_refuses():
    assert health("degraded", REDIS_DOWN, NOW) == [
        ("health from outside", "degraded (HTTP 200)", "refuse"),
        ("dependency redis from outside", "not ok in 2001 ms", "refuse"),
    ]


def test_a_dependency_that_was_down_already_warns():
    assert health("degraded", REDIS_DOWN, DEGRADED) == [
        ("health from outside", "degraded (HTTP 200), as before the activation", "warn"),
        ("dependency redis from outside", "not ok in 2001 ms, as before the activation", "warn"),
    ]


def test_one_more_that_this_release_broke_refuses_beside_it():
    assert health("degraded", BOTH_DOWN, DEGRADED) == [
        ("health from outside", "degraded (HTTP 200)", "refuse"),
        ("dependency database from outside", "not ok in 9 ms", "refuse"),
        ("dependency redis from outside", "not ok in 2001 ms, as before the activation", "warn"),
    ]


def test_a_slow_dependency_refuses_unless_it_was_slow_before():
    slow = (Dependency("database", True, 4000.0),)
    fast = replace(NOW, dependencies=(Dependency("database", True, 4.0),))

    assert health("healthy", slow, fast) == [
        ("dependency database from outside", "ok in 4000 ms", "refuse")
    ]
    assert health("healthy", slow, replace(NOW, dependencies=slow)) == [
        ("dependency database from outside", "ok in 4000 ms, as before the activation", "warn")
    ]


@pytest.mark.parametrize(
    ("status", "dependencies", "before", "no_worse"),
    [
        pytest.param("degraded", REDIS_DOWN, None, False, id="nobody looked before"),
        pytest.param("degraded", REDIS_DOWN, NOW, False, id="all was well before"),
        pytest.param("degraded", REDIS_DOWN, DEGRADED, True, id="the same one was down"),
        pytest.param("unhealthy", BOTH_DOWN, DEGRADED, False, id="one more is down"),
        pytest.param("degraded", (), replace(DEGRADED, dependencies=()), True, id="no names"),
        pytest.param("unhealthy", (), replace(DEGRADED, dependencies=()), False, id="a worse word"),
        pytest.param("", (), replace(DEGRADED, status=""), False, id="no body at all"),
    ],
)
def test_whether_a_body_is_no_worse_than_before(
    status: str, dependencies: tuple[Dependency, ...], before: Outside | None, no_worse: bool
):
    assert is_no_worse(status, dependencies, before) is no_worse
