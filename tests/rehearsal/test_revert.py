"""Going back by a revert: a pull request after a rollback, and what the pipeline makes of it.

One world, in order: each test goes on where the one before it ended. GitHub is a stand-in over the
application's own repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
)

from infra.rehearsal.facts import GITHUB_TOKEN
from tests.support.github import StandIn, new_token, world_github
from tests.support.world import commit, facts, on_host, serving_version, tool, trigger

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal


@dataclass(frozen=True)
class Left:
    """A release that was left for the one before it, with all that lies between them.

    Attributes:
        older: The commit that serves again.
        newer: The one that was left; main ends with it.
        stand_in: The repository as GitHub has it.
    """

    older: str
    newer: str
    stand_in: StandIn

    @property
    def pull(self) -> dict[str, Any]:
        """The one pull request of these tests."""
        pulls = self.stand_in.pulls
        (found,) = [one for one in pulls if one["head"]["ref"] in self.branches]
        return found

    @property
    def branches(self) -> list[str]:
        return [one for one in self.stand_in.branches() if one.startswith("revert/")]

    def files(self, revision: str, folder: str) -> str:
        return self.stand_in.git("ls-tree", "-r", revision, "--", folder)


def deploy(version: str) -> str:
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return version


def ledger() -> str:
    return on_host("cat /opt/trovella/ledger.jsonl")


def newest(key: str) -> str:
    """Return the newest version of an artifact, as the Artifacts page shows it."""
    with get_client(sync_client=True) as client:
        (found,) = client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        )
    return str(found.data)


@pytest.fixture(scope="module")
def left() -> Generator[Left]:
    stand_in = world_github()
    older = deploy(commit())
    # Every second commit brings a migration: one of these two does.
    commit()
    newer = deploy(commit())
    back = trigger("rollback", reason="500s on /pay", actor="ada")
    assert back.exit_code == 0, back.log
    stand_in.change(asked=[])
    yield Left(older, newer, stand_in)
    # The next commit of this world goes on from the newest edition, not from the one before.
    stand_in.git("update-ref", "refs/heads/main", newer)


def revert(*, dry_run: bool = False, hold: bool = False):
    return trigger(
        "rollback",
        dry_run=dry_run,
        hold=hold,
        strategy="revert",
        reason="500s on /pay",
        actor="ada",
    )


def test_each_run_was_a_deployment_of_its_commit(left: Left):
    known = left.stand_in.deployments
    made = [one for one in known if one["ref"] in (left.older, left.newer)]

    assert [one["ref"] for one in made] == [left.older, left.newer, left.older]
    assert [[status["state"] for status in one["statuses"]] for one in made] == [
        ["in_progress", "success", "inactive"],
        ["in_progress", "success", "inactive"],
        ["in_progress", "success"],
    ]
    for one in made:
        last = one["statuses"][1]
        assert last["environment_url"] == facts()["public_url"]
        assert last["log_url"].endswith(f"/flow-run/{one['payload']['run']}")


def test_a_dry_run_tells_and_asks_nobody(left: Left):
    run = revert(dry_run=True)

    assert (run.exit_code, run.state) == (0, "DryRun"), run.log
    assert f"would push revert/{left.older[:12]}-{run.flow_run_id[:8]}" in run.message
    assert "- **pull request:** would be opened" in newest("rollback")
    assert (left.branches, left.stand_in.asked) == ([], [])


def test_a_token_that_was_withdrawn_is_told_and_nothing_is_pushed(left: Left):
    new_token("ghp_withdrawn_long_ago")

    run = revert()

    new_token(left.stand_in.token)
    assert (run.exit_code, run.state) == (1, "Failed"), run.log
    assert "GitHub does not know the token: HTTP 401: Bad credentials" in run.message
    assert "\ncause: GitHub does not know the token that [github] token names" in run.message
    assert "\nleft: Nothing was changed. Users notice nothing" in run.message
    assert "\nnext: Put a token that is in force" in run.message
    assert f"`gcloud secrets versions add {GITHUB_TOKEN} --data-file=- --project=" in run.message
    assert "github-token-refused" in newest("diagnosis")
    assert left.branches == []


def test_deploys_cannot_be_held_for_what_is_to_be_deployed(left: Left):
    run = revert(hold=True)

    assert (run.exit_code, run.state) == (1, "Failed"), run.log
    assert "hold: should be off" in run.message


def test_the_branch_follows_what_serves_by_a_pull_request(left: Left):
    before = ledger()

    run = revert()

    assert run.exit_code == 0, run.log
    pull = left.pull
    assert pull["html_url"] in run.message
    assert pull["html_url"] in newest("pull-request")
    assert left.branches == [f"revert/{left.older[:12]}-{run.flow_run_id[:8]}"]
    for word in (
        "- **why:** 500s on /pay",
        "- **asked by:** ada",
        run.flow_run_id,
        f"- {left.newer[:12]} `Publish edition ",
        "They are applied and stay applied; `packages/db/src/migrations`, ",
        "- `packages/db/src/migrations/",
        "and the schema that is there: ",
    ):
        assert word in pull["body"], pull["body"]
    assert (ledger(), serving_version()) == (before, left.older)
    assert left.stand_in.token not in run.log + run.message


def test_merged_it_goes_through_the_pipeline(left: Left):
    pull = left.pull
    merged = left.stand_in.merge(pull)

    deploy(merged)

    assert serving_version() == merged
    assert left.files(merged, "apps") == left.files(left.older, "apps")
    kept = "packages/db/src/migrations"
    assert left.files(merged, kept) == left.files(left.newer, kept)
    assert left.files(merged, kept) != left.files(left.older, kept)


def test_what_was_taken_back_already_is_told_by_bin_rollback(left: Left):
    done = tool(
        "rollback", "--environment", "rehearsal", "--strategy", "revert", "--reason", "a test",
        "--dry-run", left.older,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "refused: main would hold the same files as before" in done.stderr
