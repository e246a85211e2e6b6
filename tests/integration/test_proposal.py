"""Commits that are proposed: real git over HTTP, and a stand-in for GitHub's API."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal.github_rules import REPOSITORY
from rollout.diagnose.collect import evidence_of
from rollout.diagnose.match import diagnose
from rollout.errors import GitHubRefused, GitHubUnavailable, PushRefused, Refused
from rollout.executors import proposal as proposing
from rollout.executors.github import GitHub
from rollout.model.around import Around
from rollout.model.command import Secret
from rollout.model.proposal import NewFiles, Proposal, PullRequest, Revert
from rollout.model.release import Version
from rollout.render.revert import render_by_hand
from tests.support.github import StandIn, github

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
TOKEN = "ghp_0123456789abcdef"
BRANCH = "revert/c0ffee123456-1a2b3c4d"
FOLDER = "db/migrations"


class Lab:
    """The repository that the stand-in has, with a developer's files at hand."""

    def __init__(self, clone: Path, stand_in: StandIn) -> None:
        self.clone = clone
        self.stand_in = stand_in
        self.workspace = clone.parent / "workspace"

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ("git", *words),
            cwd=self.clone,
            env={**os.environ, **IDENTITY},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, **files: str | None) -> Version:
        """Commit files, each named by its path; None removes one."""
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", subject)
        return Version(self.git("rev-parse", "HEAD"))

    def merge(self, branch: str, **files: str) -> Version:
        """Commit files on a branch of their own, and merge it to main."""
        self.git("switch", "-q", "-c", branch)
        self.commit(f"work on {branch}", **files)
        self.git("switch", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch)
        return Version(self.git("rev-parse", "HEAD"))

    def files(self, revision: str) -> dict[str, str]:
        """Return the files of a commit of the bare repository."""
        names = self.stand_in.git("ls-tree", "-r", "--name-only", revision).split()
        return {name: self.stand_in.git("show", f"{revision}:{name}") for name in names}

    @property
    def origin(self) -> proposing.Origin:
        return proposing.Origin(str(self.stand_in.folder), "main", self.workspace, print)

    def propose(self, proposal: Proposal, token: str = TOKEN) -> PullRequest:
        stand_in, secret = self.stand_in, Secret(token)
        return proposing.propose(
            self.origin,
            proposal,
            proposing.Pushing(stand_in.remote, secret, "Deployer <deployer@example.org>"),
            GitHub(stand_in.url, REPOSITORY, secret),
        )


@pytest.fixture
def lab(tmp_path: Path) -> Generator[Lab]:
    clone = tmp_path / "application"
    subprocess.run(("git", "init", "-q", "-b", "main", clone), check=True)
    with github(clone / ".git", tmp_path / "github.json", TOKEN) as stand_in:
        yield Lab(clone, stand_in)


def revert(chosen: Version, top: Version, **changed: str) -> Proposal:
    change = Revert(chosen, top, (FOLDER,))
    made = Proposal(BRANCH, change, "Go back\n\nfor a test\n", "Go back", "why and how")
    return replace(made, **changed)


def known_as(error: BaseException) -> str:
    """Return which known failure a run would tell of an error, and only that one."""
    diagnosis = diagnose(
        evidence_of(error, "rollback: propose", Around(github="trovella/trovella"))
    )
    assert diagnosis.seen
    assert TOKEN not in diagnosis.what_now + diagnosis.why
    assert diagnosis.also == ()
    return diagnosis.code


@pytest.fixture
def history(lab: Lab) -> tuple[Version, Version]:
    """Return a good version, and a bad one with a merge and a migration in between."""
    good = lab.commit("good", app="one\n", gone="here\n", **{f"{FOLDER}/0.sql": "create\n"})
    lab.merge("feature", app="two\n", new="new\n")
    lab.commit("migrate", gone=None, **{f"{FOLDER}/1.sql": "alter\n"})
    return good, lab.commit("bad", app="three\n")


def test_a_range_with_a_merge_is_taken_back_and_its_migrations_stay(lab: Lab, history):
    pull = lab.propose(revert(*history))

    assert pull == PullRequest(1, f"{lab.stand_in.url}/trovella/trovella/pull/1", "open")
    assert lab.files(BRANCH) == {
        "app": "one",
        "gone": "here",
        "db/migrations/0.sql": "create",
        "db/migrations/1.sql": "alter",
    }
    assert lab.stand_in.git("rev-parse", f"{BRANCH}^") == history[1].sha
    said = lab.stand_in.git("log", "-1", "--format=%an <%ae>%n%cn%n%B", BRANCH)
    assert said == "Deployer <deployer@example.org>\nDeployer\nGo back\n\nfor a test"
    (kept,) = lab.stand_in.pulls
    assert (kept["title"], kept["body"], kept["base"]["ref"]) == ("Go back", "why and how", "main")


def test_what_came_after_stays(lab: Lab, history):
    head = lab.commit("newer", other="later\n")

    lab.propose(revert(*history))

    assert lab.stand_in.git("rev-parse", f"{BRANCH}^") == head.sha
    assert lab.files(BRANCH)["other"] == "later"
    assert lab.files(BRANCH)["app"] == "one"


def test_what_a_person_would_type_comes_to_the_same(lab: Lab, history):
    lab.commit("newer", other="later\n", **{f"{FOLDER}/2.sql": "newer\n"})
    proposal = revert(*history)
    *lines, last = render_by_hand(proposal, "main")
    lab.git("clone", "-q", ".", "../elsewhere")

    for line in lines:
        folder, env = lab.clone.parent / "elsewhere", {**os.environ, **IDENTITY}
        subprocess.run(line, shell=True, cwd=folder, check=True, env=env)

    assert last.startswith("gh pr create --base main ")
    by_hand = lab.stand_in.git("rev-parse", f"{BRANCH}^{{tree}}")
    lab.git("branch", "-q", "-D", BRANCH)
    lab.propose(proposal)
    assert lab.stand_in.git("rev-parse", f"{BRANCH}^{{tree}}") == by_hand


def test_a_conflict_names_the_files_and_nothing_is_pushed(lab: Lab, history):
    lab.commit("newer", app="four\n", new="changed\n")

    with pytest.raises(Refused) as refused:
        lab.propose(revert(*history))

    assert [one.where for one in refused.value.findings] == ["app", "new"]
    assert refused.value.left == "Nothing was changed."
    assert lab.stand_in.branches() == ("feature", "main")
    assert lab.stand_in.pulls == []


def test_a_repeated_run_finds_what_it_did(lab: Lab, history):
    first = lab.propose(revert(*history))
    commit = lab.stand_in.git("rev-parse", BRANCH)
    lab.commit("newer", other="later\n")

    assert lab.propose(revert(*history)) == first
    assert (len(lab.stand_in.pulls), lab.stand_in.git("rev-parse", BRANCH)) == (1, commit)


@pytest.mark.parametrize(("merged", "state"), [(True, "merged"), (False, "closed")])
def test_what_somebody_decided_is_not_asked_again(lab: Lab, history, merged: bool, state: str):
    lab.propose(revert(*history))
    (pull,) = lab.stand_in.pulls
    if merged:
        lab.stand_in.merge(pull)
    else:
        lab.stand_in.close(pull)

    assert lab.propose(revert(*history)).state == state
    assert len(lab.stand_in.pulls) == 1


def test_an_answer_that_is_lost_makes_no_second_pull_request(lab: Lab, history):
    lab.stand_in.change(answers_lost=1)

    with pytest.raises(GitHubUnavailable) as lost:
        lab.propose(revert(*history))

    assert lost.value.retry_safe
    assert known_as(lost.value) == "github-unavailable"
    assert lost.value.left == (
        f"Branch {BRANCH} of trovella/trovella is pushed, without a pull request."
    )
    assert lab.propose(revert(*history)).number == 1
    assert len(lab.stand_in.pulls) == 1


def test_a_pull_request_that_is_found_late_is_taken(lab: Lab, history):
    first = lab.propose(revert(*history))
    lab.stand_in.change(behind=1)

    assert lab.propose(revert(*history)) == first
    assert lab.stand_in.asked.count("POST /repos/trovella/trovella/pulls") == 2
    assert len(lab.stand_in.pulls) == 1


def test_a_pull_request_that_github_does_not_take_is_told(lab: Lab, history):
    api = GitHub(lab.stand_in.url, REPOSITORY, Secret(TOKEN))

    with pytest.raises(GitHubRefused, match="HTTP 422: Validation Failed") as refused:
        api.open(revert(*history), "main")

    assert "; head is invalid" in refused.value.true
    assert known_as(refused.value) == "pull-request-refused"


def test_a_token_that_nobody_knows_pushes_nothing(lab: Lab, history):
    with pytest.raises(GitHubRefused, match="GitHub does not know the token: HTTP 401") as refused:
        lab.propose(revert(*history), token="ghp_wrong_wrong")

    assert (refused.value.status, refused.value.left) == (401, "Nothing was changed.")
    assert known_as(refused.value) == "github-token-refused"
    assert "ghp_wrong" not in str(refused.value)
    assert lab.stand_in.branches() == ("feature", "main")


def test_a_token_that_may_only_read_pushes_nothing(lab: Lab, history):
    lab.stand_in.change(may_write=False)

    with pytest.raises(PushRefused, match="could not be pushed") as refused:
        lab.propose(revert(*history))

    assert "error: 403" in refused.value.true
    assert known_as(refused.value) == "branch-refused"
    assert "the token may write contents" in refused.value.next_step
    assert lab.stand_in.branches() == ("feature", "main")


def test_a_token_that_may_push_and_not_ask_leaves_the_branch(lab: Lab, history):
    lab.stand_in.change(may_write=False)
    api = GitHub(lab.stand_in.url, REPOSITORY, Secret(TOKEN))

    with pytest.raises(GitHubRefused, match="the token may not do that: HTTP 403") as refused:
        api.open(revert(*history), "main")

    assert refused.value.left.startswith(f"Branch {BRANCH} of trovella/trovella is pushed")
    assert "the rights to write contents and pull requests" in refused.value.next_step
    assert known_as(refused.value) == "github-token-refused"


def test_a_repository_that_is_not_there_is_told(lab: Lab):
    api = GitHub(lab.stand_in.url, "trovella/other", Secret(TOKEN))

    with pytest.raises(GitHubRefused, match="GitHub has no such repository") as refused:
        api.find(BRANCH, "main")

    assert "[github] repository" in refused.value.next_step
    assert known_as(refused.value) == "github-repository-not-found"


def test_to_be_told_to_wait_may_be_tried_again(lab: Lab, history):
    lab.stand_in.change(waiting=True)

    with pytest.raises(GitHubUnavailable, match="HTTP 429: You have exceeded") as told:
        lab.propose(revert(*history))

    assert known_as(told.value) == "github-rate-limit"


def test_a_branch_that_the_repository_protects_is_told_with_its_own_words(lab: Lab, history):
    hook = lab.stand_in.folder / "hooks/update"
    hook.write_text("#!/bin/sh\necho GH006: Protected branch update failed >&2\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(PushRefused, match="the repository does not take branch") as refused:
        lab.propose(revert(*history))

    assert "GH006: Protected branch update failed" in refused.value.true
    assert known_as(refused.value) == "branch-refused"
    assert refused.value.left == "Nothing was changed."
    assert (lab.stand_in.branches(), lab.stand_in.pulls) == (("feature", "main"), [])


def test_a_branch_that_stands_in_the_way_is_named(lab: Lab, history):
    lab.git("branch", "revert")

    with pytest.raises(PushRefused, match="the repository does not take branch") as refused:
        lab.propose(revert(*history))

    assert known_as(refused.value) == "branch-exists"
    assert refused.value.in_the_way == "revert"
    assert lab.stand_in.pulls == []


def test_the_token_stands_on_no_command_line_and_in_no_file(lab: Lab, history, capfd):
    lab.propose(revert(*history))

    assert TOKEN not in "".join(capfd.readouterr())
    found = subprocess.run(("grep", "-rl", TOKEN, lab.workspace), capture_output=True, check=False)
    assert found.stdout == b""


def test_files_are_proposed_in_the_same_way(lab: Lab, history):
    change = NewFiles({f"{FOLDER}/2.sql": "bring back\n", "app": "mended\n"})

    pull = lab.propose(Proposal("corrective/2", change, "Mend\n", "Mend", "so that"))

    assert pull.state == "open"
    assert lab.files("corrective/2") == {
        "app": "mended",
        "new": "new",
        "db/migrations/0.sql": "create",
        "db/migrations/1.sql": "alter",
        "db/migrations/2.sql": "bring back",
    }
    assert lab.stand_in.git("rev-parse", "corrective/2^") == history[1].sha


def test_a_change_that_changes_nothing_is_refused(lab: Lab, history):
    same = Proposal("corrective/2", NewFiles({"app": "three\n"}), "m", "t", "b")

    with pytest.raises(Refused, match="main would hold the same files as before"):
        lab.propose(same)

    assert lab.stand_in.branches() == ("feature", "main")


def test_a_rehearsal_finds_conflicts_and_pushes_nothing(lab: Lab, history):
    proposing.rehearse(lab.origin, revert(*history))
    lab.commit("newer", app="four\n")

    with pytest.raises(Refused, match="has changed lines since"):
        proposing.rehearse(lab.origin, revert(*history))

    assert (lab.stand_in.branches(), lab.stand_in.asked) == (("feature", "main"), [])


def test_the_spans_say_what_came_between(lab: Lab, history):
    good, bad = history
    lab.git("switch", "-q", "-c", "unmerged")
    aside = lab.commit("aside", aside="x\n")
    lab.git("switch", "-q", "main")
    newer = lab.commit("newer", other="later\n")

    span, reverse, unmerged = proposing.read_spans(lab.origin, good, (bad, good, aside), FOLDER)

    assert [(one.subject, one.is_merge) for one in span.commits] == [
        ("bad", False),
        ("migrate", False),
        ("Merge feature", True),
    ]
    assert [one.version for one in span.newer] == [newer]
    assert span.migrations == (f"{FOLDER}/1.sql",)
    assert (reverse.follows, reverse.commits) == (True, ())
    assert (unmerged.is_merged, unmerged.follows, unmerged.commits) == (False, True, ())
    (other,) = proposing.read_spans(lab.origin, bad, (good,), FOLDER)
    assert (other.is_merged, other.follows, other.commits) == (True, False, ())
