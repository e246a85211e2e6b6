"""Deployments on GitHub: made once, found again, and never in the way."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal.github_rules import REPOSITORY
from rollout.errors import GitHubRefused, GitHubUnavailable
from rollout.executors.github import GitHub
from rollout.executors.github_deployments import announce
from rollout.model.announcement import Announcement
from rollout.model.command import Secret
from tests.support.github import StandIn, github

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.rehearsal

FIRST = Announcement(
    sha="a" * 40,
    environment="production",
    run_id="b7a5c0de",
    run_url="https://prefect.example/runs/flow-run/b7a5c0de",
    url="https://trovella.ai/api/health",
    what="deploy",
)
TOKEN = "ghp_of_a_test"


@pytest.fixture
def stand_in(tmp_path: Path) -> Generator[StandIn]:
    subprocess.run(("git", "init", "-q", "--bare", tmp_path / "application.git"), check=True)
    with github(tmp_path / "application.git", tmp_path / "github.json", TOKEN) as one:
        yield one


def api(stand_in: StandIn, token: str = TOKEN) -> GitHub:
    return GitHub(stand_in.url, REPOSITORY, Secret(token), timeout_s=0.5)


def test_a_run_that_is_retried_is_the_same_deployment(stand_in: StandIn):
    for stage in ("in_progress", "failure", "in_progress", "success"):
        assert announce(api(stand_in), FIRST, stage) == 1

    (made,) = stand_in.deployments
    assert (made["ref"], made["environment"]) == (FIRST.sha, "production")
    assert [one["state"] for one in made["statuses"]] == [
        "in_progress", "failure", "in_progress", "success",
    ]  # fmt: skip
    last = made["statuses"][-1]
    assert last["environment_url"] == "https://trovella.ai"
    assert last["log_url"] == FIRST.run_url


def test_an_answer_that_was_lost_makes_no_second_deployment(stand_in: StandIn):
    stand_in.change(answers_lost=1)
    with pytest.raises(GitHubUnavailable):
        announce(api(stand_in), FIRST, "in_progress")

    assert announce(api(stand_in), FIRST, "success") == 1
    assert len(stand_in.deployments) == 1


def test_going_back_is_a_deployment_of_the_commit_that_serves_again(stand_in: StandIn):
    bad = replace(FIRST, sha="c" * 40, run_id="2")
    back = replace(FIRST, run_id="3", what="rollback")
    for one in (FIRST, bad, back):
        announce(api(stand_in), one, "success")

    assert [stand_in.stage(one) for one in stand_in.deployments] == [
        "inactive", "inactive", "success",
    ]  # fmt: skip
    assert stand_in.deployments[2]["ref"] == FIRST.sha


def test_what_github_refuses_is_named_and_the_token_is_not(stand_in: StandIn):
    with pytest.raises(GitHubRefused) as unknown:
        announce(api(stand_in, "ghp_withdrawn"), FIRST, "in_progress")
    stand_in.change(may_write=False)
    with pytest.raises(GitHubRefused) as refused:
        announce(api(stand_in), FIRST, "in_progress")

    assert unknown.value.true.startswith("GitHub does not know the token: HTTP 401")
    assert refused.value.true.startswith("the token may not do that: HTTP 403")
    assert "ghp_" not in str(unknown.value) + str(refused.value)
    assert stand_in.deployments == []
