"""What logs say of a release: levels, rates against the time before, and errors that are new."""

from __future__ import annotations

import json

import pytest

from rollout.decide.logs import fingerprint, level_of, log_checks, masked, new_errors
from rollout.limits import Limits
from rollout.model.logs import Level, Logs, LogWindow, NewError


def pino(level: int, message: str, **more: object) -> str:
    return json.dumps({"level": level, "time": 1764075600000, "msg": message, **more})


@pytest.mark.parametrize(
    ("line", "level"),
    [
        pytest.param(pino(60, "x"), "error", id="Pino's fatal"),
        pytest.param(pino(50, "x"), "error", id="Pino's error"),
        pytest.param(pino(40, "x"), "warning", id="Pino's warn"),
        pytest.param(pino(30, "an error was avoided"), "other", id="Pino's info"),
        pytest.param('{"level":"error","msg":"dial"}', "error", id="Caddy's error"),
        pytest.param('{"level":"warn","msg":"slow"}', "warning", id="Caddy's warning"),
        pytest.param('{"severity":"ERROR","message":"x"}', "error", id="a severity"),
        pytest.param("2026-11-25T13:00:00Z ERROR no route", "error", id="a plain error"),
        pytest.param("[12] TypeError: x is not a function", "error", id="an error of Node's"),
        pytest.param("WARN deprecated", "warning", id="a plain warning"),
        pytest.param("no error at all", "other", id="a word in the middle"),
        pytest.param("{torn", "other", id="a torn line"),
        pytest.param("[1, 2]", "other", id="no object"),
        pytest.param("", "other", id="nothing"),
    ],
)
def test_how_bad_a_line_is(line: str, level: Level):
    assert level_of(line) == level


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pino(50, "note 12 is gone"), pino(50, "note 9 is gone")),
        (pino(50, "no user 'ada'"), pino(50, "no user 'ben'")),
        (
            pino(50, "job 4f9c1c1e-1111-4222-8333-123456789abc failed"),
            pino(50, "job 00000000-1111-4222-8333-123456789abc failed"),
        ),
        (pino(50, "trace deadbeef01 lost"), pino(50, "trace 0123456789ab lost")),
        ("12:00:01 Error: port 3000 in use", "12:00:02 Error:  port 4000 in use"),
    ],
)
def test_one_error_is_the_same_whatever_differs_each_time(one: str, other: str):
    assert fingerprint(one) == fingerprint(other)


def test_other_words_are_another_error():
    assert fingerprint(pino(50, "a", reason="b")) == "a: b"
    assert fingerprint(pino(50, "a", err={"message": "c"})) == "a: c"
    assert len(fingerprint(pino(50, "long " * 100))) == 160


BOOM = pino(50, "boom 1")


def test_a_new_error_is_told_once_with_its_count_and_an_example():
    known, slow = pino(50, "redis 7 is down"), pino(40, "slow")
    now = "\n".join([BOOM, known, slow, pino(50, "boom 2"), pino(50, "other")])
    logs = Logs(
        30.0,
        (LogWindow("web", now), LogWindow("caddy", BOOM)),
        (LogWindow("web", pino(50, "redis 8 is down")),),
    )

    assert new_errors(logs) == (
        NewError("web", "boom #", 2, BOOM),
        NewError("web", "other", 1, pino(50, "other")),
        NewError("caddy", "boom #", 1, BOOM),
    )


@pytest.mark.parametrize(
    ("seconds", "now", "before", "wrong"),
    [
        pytest.param(30.0, 30, 0, [], id="a burst within a minute is not a higher rate"),
        pytest.param(
            30.0,
            31,
            0,
            [("errors in the log of web", "31.0 a minute, 0.0 before", "refuse")],
            id="too many within a minute",
        ),
        pytest.param(120.0, 60, 0, [], id="as many over two minutes"),
        pytest.param(60.0, 131, 101, [], id="as noisy as before"),
    ],
)
def test_errors_a_minute_against_the_time_before(
    seconds: float, now: int, before: int, wrong: list[tuple[str, str, str]]
):
    logs = Logs(
        seconds,
        (LogWindow("web", "\n".join([BOOM] * now)),),
        (LogWindow("web", "\n".join([BOOM] * before)),),
    )

    checks = log_checks(logs, Limits())

    assert [(one.name, one.seen, one.weight) for one in checks if not one.ok] == wrong


def test_warnings_and_kinds_of_errors_warn_only():
    noisy = [pino(40, "slow")] * 301 + [pino(50, word) for word in ("a", "b")]
    logs = Logs(60.0, (LogWindow("web", "\n".join(noisy)),))

    checks = log_checks(logs, Limits(new_errors=1))

    assert [(one.name, one.seen, one.weight) for one in checks if not one.ok] == [
        ("warnings in the log of web", "301.0 a minute, 0.0 before", "warn"),
        ("new errors in the logs", "2 kinds", "warn"),
    ]


def test_a_secret_is_hidden_before_its_digits_are():
    secret = "Kd.fw9x!Qz.ab"
    line = f"Error: login for app with {secret} refused"
    long = f"Error: {'word ' * 77}{secret}"
    logs = Logs(30.0, (LogWindow("web", f"{line}\n{long}"),))

    told = new_errors(masked(logs, lambda text: text.replace(secret, "***")))

    assert told[0].fingerprint == "Error: login for app with *** refused"
    assert not any("Kd.fw" in one.fingerprint + one.example for one in told)


def test_a_log_that_is_read_in_part_is_told_and_one_from_before_refuses_nothing():
    many = "\n".join([BOOM] * 100)
    limits = Limits()

    now = log_checks(Logs(60.0, (LogWindow("web", many, cut=True),)), limits)
    then = log_checks(
        Logs(60.0, (LogWindow("web", many),), (LogWindow("web", "", cut=True),)), limits
    )

    assert [(one.name, one.weight) for one in now if not one.ok][:2] == [
        ("errors in the log of web", "refuse"),
        ("log of web", "warn"),
    ]
    assert ("errors in the log of web", "warn") in [
        (one.name, one.weight) for one in then if not one.ok
    ]
