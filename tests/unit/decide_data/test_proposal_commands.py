"""The git commands that make and push a commit, and what their output means."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.commands import proposal as commands
from rollout.config import parse_environment
from rollout.errors import ConfigInvalid
from rollout.github import GitHub
from rollout.model.proposal import Commit
from rollout.model.release import Version
from tests.unit.test_config import MINIMAL

MIRROR = Path("/m.git")
ONE, TWO = Version("1" * 40), Version("2" * 40)
SETTINGS = (
    "git -C /m.git -c core.autocrlf=false -c core.hooksPath=/dev/null -c protocol.ext.allow=never "
    "-c advice.detachedHead=false -c gc.auto=0 "
)


def test_a_branch_is_pushed_and_nothing_is_overwritten():
    command = commands.push_command(MIRROR, "https://github.com/a/b.git", ONE.sha, "revert/1")

    assert command.shell() == (
        f"{SETTINGS}push --porcelain -- https://github.com/a/b.git {'1' * 40}:refs/heads/revert/1"
    )


def test_a_merge_is_made_without_a_checkout():
    assert commands.merge_command(MIRROR, "a", "b").shell() == (
        f"{SETTINGS}merge-tree --write-tree --name-only --no-messages -z a b"
    )
    assert commands.parse_merge("tree\0") == ("tree", ())
    assert commands.parse_merge("tree\0app\0new file\0app\0") == ("tree", ("app", "new file"))


def test_a_commit_is_made_of_a_tree():
    command = commands.commit_command(MIRROR, "tree", ("a", "b"), "why\n")

    assert command.shell() == f"{SETTINGS}commit-tree tree -p a -p b -F -"
    assert command.stdin == "why\n"


def test_a_line_is_read_with_its_merges():
    said = f"{ONE}\0{'a' * 40} {'b' * 40}\0Merge it\0{TWO}\0{'a' * 40}\0do it\0"

    assert commands.parse_line(said) == (
        Commit(ONE, "Merge it", is_merge=True),
        Commit(TWO, "do it", is_merge=False),
    )
    assert commands.parse_line("") == ()


def test_folders_are_swapped_in_an_index():
    gone, wanted = "100644 blob aaaa\tdb/1.sql\0", "100755 blob bbbb\tdb/2.sql\0"

    assert commands.swapped(gone, wanted) == f"0 {'0' * 40}\tdb/1.sql\0{wanted}"
    assert commands.written([("db/3.sql", "cccc")]) == "100644 cccc\tdb/3.sql\0"


@pytest.mark.parametrize(
    ("stdout", "rejected"),
    [
        ("To https://github.com/a/b.git\n!\tx:y\t[remote rejected] (hook declined)\nDone\n", True),
        ("To https://github.com/a/b.git\n*\tx:y\t[new branch]\nDone\n", False),
        ("", False),
    ],
)
def test_a_rejected_branch_is_told_from_a_repository_that_was_not_reached(
    stdout: str, rejected: bool
):
    assert commands.is_rejected(stdout) == rejected


def test_where_a_branch_is_pushed_to():
    assert GitHub(repository="a/b", token="t").remote == "https://github.com/a/b.git"
    assert GitHub(repository="a/b", token="t", push_to="/b.git").remote == "/b.git"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('repository = "https://github.com/a/b"\ntoken = "t"', "github.repository String should"),
        ('repository = "a/b"', "github.token is missing"),
        ('repository = "a/b"\ntoken = "t"\nauthor = "me"', "github.author String should"),
        ('repository = "a/b"\ntoken = "t"\nbase = "main"', "github.base is not a known key"),
    ],
)
def test_what_does_not_fit_is_told(line: str, told: str):
    with pytest.raises(ConfigInvalid) as refused:
        parse_environment("small.toml", f"{MINIMAL}\n[github]\n{line}\n")

    assert told in str(refused.value)
