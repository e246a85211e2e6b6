"""The git executor on real repositories: what it checks out, what it refuses, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollout.errors import ConfigInvalid, Refused, SourceUnavailable
from rollout.executors import git
from rollout.model.release import Version
from rollout.model.source import Branches

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Repository:
    """A repository of a developer, as small as can be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        answer = subprocess.run(
            ("git", *words),
            cwd=self.path,
            env={**os.environ, **IDENTITY},
            check=True,
            capture_output=True,
            text=True,
        )
        return answer.stdout.strip()

    def commit(self, subject: str, **files: bytes) -> str:
        for name, content in files.items():
            path = self.path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "application")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def checkout(repository: Repository, workspace: Path, ref: str, branch: str = "main"):
    return git.checkout(str(repository.path), ref, branch, workspace, print)


def test_an_exact_commit_is_checked_out(repository: Repository, workspace: Path):
    first = repository.commit("first words", greeting=b"one\r\n")
    repository.commit("second words", greeting=b"two\n")

    source = checkout(repository, workspace, first)

    assert source.version == Version(first)
    assert source.tree == repository.git("rev-parse", f"{first}^{{tree}}")
    assert (source.author, source.subject) == ("Ada <ada@example.org>", "first words")
    assert Path(source.path, "greeting").read_bytes() == b"one\r\n"


def test_short_commits_branches_and_tags_mean_what_they_say(repository, workspace):
    first = repository.commit("first")
    repository.git("tag", "-a", "v1.0", "-m", "annotated")
    second = repository.commit("second")

    found = {
        ref: checkout(repository, workspace, ref).version.sha
        for ref in (first[:7], "v1.0", "main", second)
    }

    assert found == {first[:7]: first, "v1.0": first, "main": second, second: second}


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch /tmp/owned",
        "-q",
        "a b",
        "$(touch /tmp/owned)",
        "`id`",
        "",
        "a..b",
        "main~1",
        "main:file",
        "@{u}",
        "x\n",
        "refs//heads",
        "a.lock",
        "main/",
        "é",
    ],
)
def test_a_ref_that_is_none_is_refused_before_git_sees_it(repository, workspace, ref: str):
    repository.commit("first")

    with pytest.raises(ConfigInvalid) as refused:
        checkout(repository, workspace, ref)

    assert refused.value.true == (
        "commit: should be 7 to 40 hex digits or the name of a branch or tag, not " + repr(ref)
    )
    assert not workspace.exists()


def test_an_unknown_commit_says_so(repository, workspace):
    repository.commit("first")

    with pytest.raises(ConfigInvalid, match=r"has no commit, branch or tag 'f{40}'"):
        checkout(repository, workspace, "f" * 40)


def test_a_commit_that_nobody_merged_is_refused(repository, workspace):
    repository.commit("first")
    repository.git("checkout", "--quiet", "-b", "feature")
    unmerged = repository.commit("experiment")

    with pytest.raises(Refused, match="is not on branch main, so nobody merged it"):
        checkout(repository, workspace, unmerged)
    with pytest.raises(Refused, match="is not on branch main"):
        checkout(repository, workspace, "feature")

    assert not (workspace / "checkouts").exists()


def test_branches_that_the_environment_names_are_taken_instead(repository, workspace):
    repository.commit("first")
    repository.git("checkout", "--quiet", "-b", "release/2026")
    released = repository.commit("released")
    repository.git("checkout", "--quiet", "-b", "try")
    tried = repository.commit("tried")
    either = Branches("main", ("main", "release/*"))

    source = git.checkout(str(repository.path), "release/2026", either, workspace, print)

    assert source.version.sha == released
    with pytest.raises(Refused, match=r"it is on try, and only commits of main, release/\* may go"):
        git.checkout(str(repository.path), tried, either, workspace, print)


def test_of_what_was_deployed_before_no_branch_is_demanded(repository, workspace):
    repository.commit("first")
    repository.git("checkout", "--quiet", "-b", "rewritten")
    aside = repository.commit("aside")
    known = Branches("main", demanded=False)

    source = git.checkout(str(repository.path), aside, known, workspace, print)

    assert source.version.sha == aside


def test_a_branch_that_does_not_exist_is_named(repository, workspace):
    first = repository.commit("first")

    with pytest.raises(ConfigInvalid, match="branch: the repository has no branch 'release'"):
        checkout(repository, workspace, first, branch="release")


def test_a_repository_that_cannot_be_read_may_be_tried_again(tmp_path, workspace):
    with pytest.raises(SourceUnavailable, match="could not be read") as unavailable:
        git.checkout(str(tmp_path / "nowhere"), "main", "main", workspace, print)

    assert unavailable.value.retry_safe


def test_a_commit_that_was_fetched_needs_no_repository_unless_a_branch_must_hold_it(
    repository: Repository, workspace: Path
):
    version = repository.commit("first", greeting=b"one")
    checkout(repository, workspace, version)
    repository.path.rename(repository.path.with_name("away"))

    def again(ref: str, *, demanded: bool):
        branches = Branches("main", demanded=demanded)
        return git.checkout(
            str(repository.path), ref, branches, workspace, print, purpose="migrate"
        )

    source = again(version, demanded=False)

    assert source.version == Version(version)
    assert Path(source.path, "greeting").read_bytes() == b"one"
    for ref, demanded in ((version, True), (version[:12], False), ("main", False)):
        with pytest.raises(SourceUnavailable):
            again(ref, demanded=demanded)


def test_a_commit_that_was_not_fetched_yet_is(repository: Repository, workspace: Path):
    checkout(repository, workspace, repository.commit("first"))
    second = repository.commit("second")
    branches = Branches("main", demanded=False)

    source = git.checkout(str(repository.path), second, branches, workspace, print)

    assert source.version == Version(second)


@pytest.mark.parametrize(
    "address", ["https://x:hunter22@example.org/a.git", "https://hunter22@example.org/a.git"]
)
def test_an_address_with_credentials_is_refused_and_not_repeated(workspace, address: str):
    with pytest.raises(ConfigInvalid, match="should hold no credentials") as refused:
        git.checkout(address, "main", "main", workspace, print)

    assert "hunter22" not in str(refused.value)


def test_doing_it_again_restores_what_a_check_changed_and_keeps_what_it_made(repository, workspace):
    repository.commit("first", greeting=b"one\n")
    path = Path(checkout(repository, workspace, "main").path)
    (path / "greeting").write_text("reformatted\n")
    (path / "node_modules").mkdir()

    assert Path(checkout(repository, workspace, "main").path) == path
    assert (path / "greeting").read_text() == "one\n"
    assert (path / "node_modules").is_dir()


def test_a_half_made_checkout_is_made_anew(repository, workspace):
    repository.commit("first", greeting=b"one\n")
    path = Path(checkout(repository, workspace, "main").path)
    (path / ".git").unlink()
    (path / "greeting").unlink()

    checkout(repository, workspace, "main")

    assert (path / "greeting").read_text() == "one\n"


def test_the_branch_may_be_rewritten_between_two_runs(repository, workspace):
    repository.commit("first", greeting=b"one\n")
    before = checkout(repository, workspace, "main").version.sha
    repository.git("commit", "--quiet", "--amend", "-m", "rewritten")

    assert checkout(repository, workspace, "main").version.sha != before
    with pytest.raises(Refused):
        checkout(repository, workspace, before)


def test_two_runs_at_once_both_get_their_commit(repository, workspace):
    commits = [repository.commit(f"number {n}", greeting=f"{n}\n".encode()) for n in range(4)]

    with ThreadPoolExecutor(8) as pool:
        sources = list(pool.map(lambda ref: checkout(repository, workspace, ref), commits * 2))

    assert [source.version.sha for source in sources] == commits * 2
    assert [Path(source.path, "greeting").read_text() for source in sources[:4]] == [
        "0\n",
        "1\n",
        "2\n",
        "3\n",
    ]


def test_a_killed_run_leaves_nothing_that_stops_the_next(repository, workspace):
    repository.commit("first", **{f"file{n}": b"x" * 1000 for n in range(300)})
    script = (
        "import sys; from pathlib import Path; from rollout.executors import git\n"
        "print('go', flush=True)\n"
        "git.checkout(sys.argv[1], 'main', 'main', Path(sys.argv[2]), print)"
    )
    for wait_s in (0.02, 0.05, 0.1):
        victim = subprocess.Popen(
            [sys.executable, "-c", script, str(repository.path), str(workspace)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert victim.stdout is not None
        victim.stdout.readline()
        time.sleep(wait_s)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()

    source = checkout(repository, workspace, "main")

    assert len(list(Path(source.path).glob("file*"))) == 300


def test_files_are_read_as_they_were_committed(repository, workspace):
    repository.commit(
        "first",
        db__meta__journal=b"{}\n",
        db__crlf=b"a;\r\nb;\r\n",
        db__latin=b"\xe9",
    )
    source = checkout(repository, workspace, "main")
    Path(source.path, "db", "crlf").write_text("changed by a check")

    assert git.read_file(source, "db/meta/journal") == "{}\n"
    assert git.read_folder(source, "db") == {
        "crlf": b"a;\r\nb;\r\n",
        "latin": b"\xe9",
        "meta/journal": b"{}\n",
    }
    assert git.read_folder(source, "nothing/here") == {}
    with pytest.raises(ConfigInvalid, match="no such/file: is no file of commit"):
        git.read_file(source, "no such/file")
    with pytest.raises(ConfigInvalid, match="db: is no file"):
        git.read_file(source, "db")
    with pytest.raises(ConfigInvalid, match="db/latin: is no UTF-8"):
        git.read_file(source, "db/latin")


def test_a_commit_precedes_those_whose_history_holds_it(repository, workspace):
    first = repository.commit("first", file=b"1")
    older, newer = (
        checkout(repository, workspace, one)
        for one in (first, repository.commit("second", file=b"2"))
    )

    assert git.precedes(older, newer.version, "main")
    assert not git.precedes(newer, older.version, "main")
    assert not git.precedes(older, older.version, "main")
    assert not git.precedes(older, Version("d" * 40), "main")
    assert not git.precedes(older, newer.version, "elsewhere")
    repository.git("reset", "--quiet", "--hard", first)
    older = checkout(repository, workspace, "main")
    assert not git.precedes(older, newer.version, "main")


def test_changed_paths_name_both_sides_of_a_move(repository, workspace):
    first = repository.commit("first", keep=b"1", old=b"a long enough content to be a rename")
    repository.git("mv", "old", "new name")
    repository.commit("second")
    source = checkout(repository, workspace, "main")

    assert git.changed_paths(source, Version(first)) == ("new name", "old")
    assert git.changed_paths(source, source.version) == ()
    assert git.changed_paths(source, Version("f" * 40)) is None


def test_old_checkouts_go_away(repository, workspace, monkeypatch):
    first = repository.commit("first")
    repository.commit("second")
    old = Path(checkout(repository, workspace, first).path)
    long_ago = time.time() - git.KEPT_CHECKOUT_S - 60
    os.utime(old, (long_ago, long_ago))

    kept = Path(checkout(repository, workspace, "main").path)

    assert kept.exists()
    assert not old.exists()
    assert Path(checkout(repository, workspace, first).path).exists()
