"""The words that git is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.commands import git
from rollout.errors import ConfigInvalid
from rollout.model.release import Version
from rollout.model.source import Source

MIRROR = Path("/work/mirrors/app.git")
CHECKOUT = Path("/work/checkouts/source/c0ffee")
VERSION = Version("c0ffee" + "0" * 34)
EARLIER = Version("bada55" + "0" * 34)
SETTINGS = (
    "-c core.autocrlf=false -c core.hooksPath=/dev/null -c protocol.ext.allow=never "
    "-c advice.detachedHead=false -c gc.auto=0"
)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            git.create_mirror_command(MIRROR),
            f"git -C /work/mirrors {SETTINGS} init --quiet --bare -- /work/mirrors/app.git",
        ),
        (
            git.fetch_command(MIRROR, "https://github.com/a/b"),
            f"git -C /work/mirrors/app.git {SETTINGS} fetch --quiet --prune --force --no-auto-gc "
            "-- https://github.com/a/b '+refs/heads/*:refs/remotes/origin/*' "
            "'+refs/tags/*:refs/tags/*'",
        ),
        (
            git.resolve_command(MIRROR, "refs/tags/v1"),
            f"git -C /work/mirrors/app.git {SETTINGS} rev-parse --verify --quiet "
            "--end-of-options 'refs/tags/v1^{commit}'",
        ),
        (
            git.is_on_branch_command(MIRROR, VERSION, "main"),
            f"git -C /work/mirrors/app.git {SETTINGS} merge-base --is-ancestor "
            "c0ffee0000000000000000000000000000000000 refs/remotes/origin/main",
        ),
        (
            git.add_worktree_command(MIRROR, CHECKOUT, VERSION),
            f"git -C /work/mirrors/app.git {SETTINGS} worktree add --quiet --detach --force "
            "--force -- /work/checkouts/source/c0ffee c0ffee0000000000000000000000000000000000",
        ),
        (
            git.restore_worktree_command(CHECKOUT, VERSION),
            f"git -C /work/checkouts/source/c0ffee {SETTINGS} reset --quiet --hard "
            "c0ffee0000000000000000000000000000000000",
        ),
        (
            git.forget_worktrees_command(MIRROR),
            f"git -C /work/mirrors/app.git {SETTINGS} worktree prune",
        ),
        (
            git.describe_command(CHECKOUT, VERSION),
            f"git -C /work/checkouts/source/c0ffee {SETTINGS} show --no-patch "
            "--no-show-signature '--format=%H%x00%T%x00%an <%ae>%x00%s' "
            "c0ffee0000000000000000000000000000000000",
        ),
        (
            git.show_file_command(CHECKOUT, VERSION, "infra/Caddyfile"),
            f"git -C /work/checkouts/source/c0ffee {SETTINGS} cat-file blob "
            "c0ffee0000000000000000000000000000000000:infra/Caddyfile",
        ),
        (
            git.list_files_command(CHECKOUT, VERSION, "db"),
            f"git -C /work/checkouts/source/c0ffee {SETTINGS} ls-tree -r -z --name-only "
            "c0ffee0000000000000000000000000000000000:db",
        ),
        (
            git.is_ancestor_command(CHECKOUT, EARLIER, VERSION),
            f"git -C /work/checkouts/source/c0ffee {SETTINGS} merge-base --is-ancestor "
            "bada550000000000000000000000000000000000 c0ffee0000000000000000000000000000000000",
        ),
        (
            git.changed_paths_command(CHECKOUT, EARLIER, VERSION),
            f"git -C /work/checkouts/source/c0ffee {SETTINGS} diff --name-only --no-renames -z "
            "bada550000000000000000000000000000000000 c0ffee0000000000000000000000000000000000",
        ),
    ],
)
def test_whole_lines(command, line: str):
    assert command.shell() == line


def test_files_are_asked_for_on_standard_input():
    command = git.show_files_command(CHECKOUT, VERSION, ("db/a", "db/b"))

    assert command.shell() == (f"git -C /work/checkouts/source/c0ffee {SETTINGS} cat-file --batch")
    assert command.stdin == (
        "c0ffee0000000000000000000000000000000000:db/a\n"
        "c0ffee0000000000000000000000000000000000:db/b\n"
    )


def test_a_batch_is_cut_by_its_sizes():
    output = b"1111 blob 3\na\nb\n2222 blob 0\n\n"

    assert git.parse_files(output, ("x", "y")) == {"x": b"a\nb", "y": b""}


def test_what_is_no_file_is_refused():
    with pytest.raises(ValueError, match="x is no file"):
        git.parse_files(b"1111 tree 3\nabc\n", ("x",))


@pytest.mark.parametrize(
    ("ref", "revisions"),
    [
        ("c0ffee0", ("c0ffee0", "refs/remotes/origin/c0ffee0", "refs/tags/c0ffee0")),
        ("v1.2", ("refs/remotes/origin/v1.2", "refs/tags/v1.2")),
        ("main", ("refs/remotes/origin/main", "refs/tags/main")),
        ("HEAD", ("refs/remotes/origin/HEAD", "refs/tags/HEAD")),
    ],
)
def test_a_ref_may_stand_for_a_commit_a_branch_or_a_tag(ref: str, revisions):
    assert git.candidates(ref, "main") == revisions


def test_a_branch_that_looks_like_a_commit_is_the_branch_where_it_is_the_one_deployed():
    assert git.candidates("deadbee", "deadbee") == (
        "refs/remotes/origin/deadbee",
        "refs/tags/deadbee",
    )


@pytest.mark.parametrize("ref", ["c0ffee0", "main", "feature/x_1", "v1.2.3+build", "a" * 200])
def test_refs_that_are_accepted(ref: str):
    git.check_ref(ref)
    assert f"refs/tags/{ref}" in git.candidates(ref, "main")


@pytest.mark.parametrize(
    "ref",
    [
        *("", "-x", "a b", "a..b", "a" * 201, "a//b", "a/.b", "a.lock/b", "~"),
        *("--upload-pack=touch /tmp/pwned", "main; rm -rf /", "$(reboot)"),
    ],
)
def test_refs_that_are_refused(ref: str):
    with pytest.raises(ConfigInvalid, match="branch: should be 7 to 40 hex digits or the name of"):
        git.check_ref(ref, "branch")


@pytest.mark.parametrize("address", ["", "--upload-pack=x"])
def test_addresses_that_are_none(address: str):
    with pytest.raises(ConfigInvalid, match="should be a path or an address"):
        git.check_repository(address)


@pytest.mark.parametrize(
    "address", ["/srv/app.git", "git@github.com:a/b", "ssh://git@host/a", "https://host/a@b"]
)
def test_addresses_without_credentials(address: str):
    git.check_repository(address)
    assert git.shown_repository(address) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:pw@host/a", "https://********@host/a"),
        ("https://user:p@w@host/a", "https://********@host/a"),
        ("ssh://git:pw@host/a", "ssh://git:********@host/a"),
    ],
)
def test_addresses_with_credentials_are_masked_and_refused(address: str, shown: str):
    assert git.shown_repository(address) == shown
    with pytest.raises(ConfigInvalid, match="should hold no credentials"):
        git.check_repository(address)


def test_a_commit_is_described_by_four_fields():
    stdout = f"{VERSION.sha}\0{'1' * 40}\0Ada <ada@example.org>\0first words\n"

    assert git.parse_source(stdout, CHECKOUT) == Source(
        VERSION, "1" * 40, "/work/checkouts/source/c0ffee", "Ada <ada@example.org>", "first words"
    )
