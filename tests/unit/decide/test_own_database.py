"""Whether an earlier release would use the database whose schema was looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.config import Environment
from rollout.decide.own_database import database_of, judge_database
from rollout.executors.files import read_environment
from rollout.model.finding import Go, Refuse
from tests.support.values import release

NAME = "CLOUD_SQL_CONNECTION_NAME"
SETTINGS = read_environment("rehearsal")
HERE = {NAME: SETTINGS.settings[NAME]}


def test_the_variables_that_the_file_names_are_kept_with_a_release():
    assert database_of(SETTINGS) == HERE


@pytest.mark.parametrize("kept", [HERE, {}, {"FORMERLY_NAMED": "elsewhere"}])
def test_the_same_database_and_one_that_nobody_wrote_down_may_serve(kept: dict[str, str]):
    assert judge_database(replace(release(7), database=kept), SETTINGS) == Go()


def test_another_database_is_refused_with_both_names():
    former = replace(release(7), database={NAME: "trovella-prod:us-central1:before"})

    verdict = judge_database(former, SETTINGS)

    assert isinstance(verdict, Refuse)
    (finding,) = verdict.findings
    assert finding.rule == "other-database"
    assert finding.consequence.endswith(
        f"{NAME} is trovella-prod:us-central1:before in its .env, and {HERE[NAME]} by now"
    )
    assert "secrets=newest" in finding.help


def test_only_what_is_no_secret_may_be_named():
    text = SETTINGS.model_dump(by_alias=True)
    text["migrations"]["database_settings"] = ("DATABASE_URL",)

    with pytest.raises(ValueError, match=r"names DATABASE_URL, which .settings. lacks"):
        Environment.model_validate(text)
