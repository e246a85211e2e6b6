"""The variables of the checks, and what their outcome amounts to."""

from __future__ import annotations

import pytest

from rollout.config import Check, Quality
from rollout.decide.quality import (
    CheckResult,
    Endpoint,
    check_environment,
    quality_failure,
    report_rows,
)
from rollout.errors import ConfigInvalid

LINT = Check(name="lint", run=("true",))


def test_variables_name_the_service_containers():
    quality = Quality(
        env={"DATABASE_URL": "postgresql://u:p@{postgres.host}:{postgres.port}/app", "CI": "1"}
    )
    check = Check(name="test", run=("true",), env={"CI": "2", "JSON": '{"a": {}}'})

    assert check_environment(quality, check, {"postgres": Endpoint("10.77.0.20", 32768)}) == {
        "DATABASE_URL": "postgresql://u:p@10.77.0.20:32768/app",
        "CI": "2",
        "JSON": '{"a": {}}',
    }


def test_a_variable_that_names_no_service_is_refused():
    quality = Quality(env={"REDIS_URL": "redis://{redis.host}:6379"})

    with pytest.raises(ConfigInvalid) as refused:
        check_environment(quality, LINT, {})

    assert refused.value.true == "quality.env.REDIS_URL: names no service: {redis.host}"


def test_the_report_leaves_seconds_out_where_nothing_ran():
    results = (CheckResult("format", "timed out", 12.34), CheckResult("lint", "not run"))

    assert report_rows(results) == (("format", "timed out", "12.3"), ("lint", "not run", ""))


def test_no_failure_when_all_passed():
    assert quality_failure((CheckResult("lint", "passed", 1.0),)) is None
    assert quality_failure(()) is None


def test_the_failure_shows_the_last_lines_of_each_failed_check():
    lines = "\n".join(f"line {n}" for n in range(1, 31))
    failure = quality_failure(
        (
            CheckResult("format", "passed", 1.0, "all well"),
            CheckResult("lint", "failed", 1.0, lines),
            CheckResult("types", "timed out", 1.0, ""),
            CheckResult("test", "not run"),
        )
    )

    assert failure is not None
    shown = "\n".join(f"  line {n}" for n in range(16, 31))
    assert str(failure) == (
        "2 of 4 checks did not pass\n"
        f"lint failed:\n{shown}\n"
        "types timed out:\n"
        "  nothing written\n"
        "left: Nothing was built or changed. Not run because of that: test.\n"
        "next: Correct the code, merge, and the next run deploys it."
    )
