"""Git commands that make a commit in a bare mirror and push it, and what their output means.

There is no checkout: trees are put together in an index of their own, which the caller names in
GIT_INDEX_FILE, so nothing of a run that was killed is in the way of the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands.git import FETCH_TIMEOUT_S, git_command, parse_names
from rollout.model.proposal import Commit
from rollout.model.release import Version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rollout.model.command import Command

CONFLICTS = 1
"""The status with which `merge_command` says that both sides changed the same lines."""
_FIELDS = "%H%x00%P%x00%s"
_GONE = f"0 {'0' * 40}"
_FILE = "100644"


def branch_revision(branch: str) -> str:
    """Return what the mirror calls a branch of the repository."""
    return f"refs/remotes/origin/{branch}"


def is_ancestor_command(mirror: Path, earlier: Version, later: str) -> Command:
    """Succeed when one commit descends from the other, or is it; status 1 says that it does not."""
    return git_command(mirror, "merge-base", "--is-ancestor", earlier.sha, later)


def line_command(mirror: Path, since: Version, until: str) -> Command:
    """Print the commits of a branch's own line as `parse_line` reads them, newest first."""
    words = ("log", "-z", "--first-parent", "--no-show-signature", f"--format={_FIELDS}")
    return git_command(mirror, *words, f"{since.sha}..{until}", "--")


def parse_line(stdout: str) -> tuple[Commit, ...]:
    """Return the commits that `line_command` printed."""
    fields = stdout.split("\0")[:-1]
    triples = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    return tuple(Commit(Version(sha), said, " " in parents) for sha, parents, said in triples)


def added_files_command(mirror: Path, since: Version, until: Version, folder: str) -> Command:
    """Print the files that came to a folder between two commits, each ended by a zero byte."""
    words = ("diff", "--name-only", "--no-renames", "--diff-filter=A", "-z")
    return git_command(mirror, *words, since.sha, until.sha, "--", folder)


def list_entries_command(mirror: Path, revision: str, folders: tuple[str, ...]) -> Command:
    """Print the entries of folders as `swapped` reads them."""
    return git_command(mirror, "ls-tree", "-r", "-z", "--full-tree", revision, "--", *folders)


def swapped(present: str, wanted: str) -> str:
    """Return what makes an index hold the wanted entries in the place of the present ones.

    Args:
        present: What `list_entries_command` printed of what the index holds.
        wanted: What it printed of what it is to hold.
    """
    gone = (f"{_GONE}\t{entry.partition(chr(9))[2]}\0" for entry in parse_names(present))
    return "".join(gone) + wanted


def written(blobs: Iterable[tuple[str, str]]) -> str:
    """Return what makes an index hold files, each given as path and name of its blob."""
    return "".join(f"{_FILE} {blob}\t{path}\0" for path, blob in blobs)


def read_tree_command(mirror: Path, revision: str) -> Command:
    """Let the index hold what a commit holds."""
    return git_command(mirror, "read-tree", revision)


def update_index_command(mirror: Path, entries: str) -> Command:
    """Change the index as `swapped` or `written` says."""
    return git_command(mirror, "update-index", "-z", "--index-info", stdin=entries)


def write_tree_command(mirror: Path) -> Command:
    """Keep what the index holds as a tree, and print its name."""
    return git_command(mirror, "write-tree")


def write_blob_command(mirror: Path, text: str) -> Command:
    """Keep a file's text, and print its name."""
    return git_command(mirror, "hash-object", "-w", "--stdin", stdin=text)


def commit_command(mirror: Path, tree: str, parents: tuple[str, ...], message: str) -> Command:
    """Make a commit of a tree, and print its name; no branch names it."""
    after = (word for parent in parents for word in ("-p", parent))
    return git_command(mirror, "commit-tree", tree, *after, "-F", "-", stdin=message)


def merge_command(mirror: Path, ours: str, theirs: str) -> Command:
    """Merge two commits and print the tree's name, then the files in conflict; git 2.38 can."""
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z")
    return git_command(mirror, *words, ours, theirs)


def parse_merge(stdout: str) -> tuple[str, tuple[str, ...]]:
    """Return the tree that `merge_command` printed, and the files in conflict."""
    tree, *files = parse_names(stdout)
    return tree, tuple(dict.fromkeys(files))


def push_command(mirror: Path, remote: str, commit: str, branch: str) -> Command:
    """Push a commit as a branch that is not there yet, or is there and older."""
    words = ("push", "--porcelain", "--", remote, f"{commit}:refs/heads/{branch}")
    return git_command(mirror, *words, timeout_s=FETCH_TIMEOUT_S)


def branches_command(mirror: Path, remote: str) -> Command:
    """Return the command that lists a remote's branches as they are now.

    Args:
        mirror: The worker's mirror, for its settings.
        remote: Where to ask: a path, or an address without a password.
    """
    return git_command(mirror, "ls-remote", "--heads", remote, timeout_s=FETCH_TIMEOUT_S)


def parse_branches(stdout: str) -> tuple[str, ...]:
    """Return the branches that `branches_command` listed; empty when it failed."""
    rows = (line.partition("\t")[2] for line in stdout.splitlines())
    return tuple(name.removeprefix("refs/heads/") for name in rows if name)


def in_the_way(branch: str, branches: Iterable[str]) -> str:
    """Return the branch that keeps another one from being made; empty when none does.

    A repository may keep its branches as files, so a name can be no folder of another one.

    Example:
        >>> in_the_way("revert/1", ("main", "revert"))
        'revert'
        >>> in_the_way("revert/1", ("main", "revert/10"))
        ''
    """
    return next(
        (
            one
            for one in branches
            if one == branch or branch.startswith(f"{one}/") or one.startswith(f"{branch}/")
        ),
        "",
    )


def is_rejected(stdout: str) -> bool:
    """Return whether the repository was reached and did not take the branch.

    Source: git-push(1), `--porcelain`, git 2.39: `!` flags a ref that was rejected.
    """
    return any(line.startswith("!\t") for line in stdout.splitlines())
