"""Git commands as values, and what their output means.

A ref reaches us from a form or from a trigger, so it is checked here before git sees it; no word
that a person gave ever stands where git looks for options.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollout.errors import ConfigInvalid
from rollout.model.command import MASK, Command
from rollout.model.release import Version
from rollout.model.source import Source

if TYPE_CHECKING:
    from pathlib import Path

FETCH_TIMEOUT_S = 300.0
_COMMIT = re.compile(r"[0-9a-f]{7,40}\Z")
_WHOLE_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
# Narrower than git's own rules (git-check-ref-format, read 2026-11-22): nothing that a shell, an
# option parser or git's revision syntax would read as more than a name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}\Z")
_CREDENTIALS = re.compile(r"(https?://|[a-z+]+://[^/@]*:)[^/]*@(.*)", re.IGNORECASE | re.DOTALL)
_LINE = re.compile(r"[^:\0]*:(?P<path>[^\0]*)\0(?P<number>[0-9]+)\0(?P<text>.*)", re.DOTALL)
_FORBIDDEN_IN_NAME = ("..", "//", "/.", ".lock/")
_FORBIDDEN_AT_END = ("/", ".", ".lock")
# Line ends as they were committed, no hooks of the worker's owner, no transport that runs programs.
_SETTINGS = (
    "core.autocrlf=false",
    "core.hooksPath=/dev/null",
    "protocol.ext.allow=never",
    "advice.detachedHead=false",
    "gc.auto=0",
)
_FIELDS = "%H%x00%T%x00%an <%ae>%x00%s"


def check_ref(ref: str, what: str = "commit") -> None:
    """Refuse what is neither a commit, nor could be the name of a branch or a tag.

    Args:
        ref: What a person or a file named.
        what: What it is called there.

    Raises:
        ConfigInvalid: With what the ref should be.
    """
    fits = (
        _NAME.match(ref)
        and not any(part in ref for part in _FORBIDDEN_IN_NAME)
        and not ref.endswith(_FORBIDDEN_AT_END)
    )
    if not fits:
        raise ConfigInvalid(
            what, f"should be 7 to 40 hex digits or the name of a branch or tag, not {ref!r}"
        )


def check_repository(repository: str) -> None:
    """Refuse a repository address that git would take for an option, or that holds a password.

    A password in an address would stand in process lists: git hands addresses to its helpers as
    arguments. Git's own credential helpers are the way to give one.

    Raises:
        ConfigInvalid: With the address, masked.
    """
    if not repository or repository.startswith("-"):
        raise ConfigInvalid("repository", f"should be a path or an address, not {repository!r}")
    if shown_repository(repository) != repository:
        raise ConfigInvalid(
            "repository",
            f"{shown_repository(repository)} should hold no credentials; give them to git's "
            "credential helper on the worker",
        )


def shown_repository(repository: str) -> str:
    """Return the repository's address without credentials, fit for logs and labels.

    A token may stand in the user's place, so over HTTP all that precedes the host is masked.

    Example:
        >>> shown_repository("https://token@github.com/a/b.git")
        'https://********@github.com/a/b.git'
        >>> shown_repository("ssh://git@github.com/a/b.git")
        'ssh://git@github.com/a/b.git'
    """
    found = _CREDENTIALS.match(repository)
    return f"{found[1]}{MASK}@{found[2]}" if found else repository


def is_whole_commit(ref: str) -> bool:
    """Return whether a ref names one commit by all of its digits, whatever any branch becomes.

    Example:
        >>> is_whole_commit("a" * 40), is_whole_commit("a" * 12), is_whole_commit("main")
        (True, False, False)
    """
    return bool(_WHOLE_COMMIT.match(ref))


def candidates(ref: str, branch: str) -> tuple[str, ...]:
    """Return the revisions that a ref may stand for, in the order in which they are tried.

    Args:
        ref: A checked ref.
        branch: The branch that commits come from; its own name means its newest commit.
    """
    names = (f"refs/remotes/origin/{ref}", f"refs/tags/{ref}")
    if ref == branch or not _COMMIT.match(ref):
        return names
    return (ref, *names)


def create_mirror_command(mirror: Path) -> Command:
    """Make an empty repository that mirrors the application's; harmless where there is one."""
    return git_command(mirror.parent, "init", "--quiet", "--bare", "--", str(mirror))


def fetch_command(mirror: Path, repository: str) -> Command:
    """Bring all branches and tags to the mirror; names that moved or went away follow."""
    return git_command(
        mirror,
        "fetch",
        "--quiet",
        "--prune",
        "--force",
        "--no-auto-gc",
        "--",
        repository,
        "+refs/heads/*:refs/remotes/origin/*",
        "+refs/tags/*:refs/tags/*",
        timeout_s=FETCH_TIMEOUT_S,
    )


def resolve_command(mirror: Path, revision: str) -> Command:
    """Print the commit that a revision stands for; fails when there is none, or several."""
    return git_command(
        mirror, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )


def is_on_branch_command(mirror: Path, version: Version, branch: str) -> Command:
    """Succeed when the branch holds the commit; status 1 says that it does not."""
    return git_command(
        mirror, "merge-base", "--is-ancestor", version.sha, f"refs/remotes/origin/{branch}"
    )


def branches_holding_command(mirror: Path, version: Version) -> Command:
    """Print the branches that hold the commit, a name a line."""
    return git_command(
        mirror,
        "for-each-ref",
        "--contains",
        version.sha,
        "--format=%(refname:lstrip=3)",
        "refs/remotes/origin/",
    )


def add_worktree_command(mirror: Path, path: Path, version: Version) -> Command:
    """Check the commit out to a folder, with its history at hand for tools that ask for it."""
    return git_command(
        mirror,
        "worktree",
        "add",
        "--quiet",
        "--detach",
        "--force",
        "--force",
        "--",
        str(path),
        version.sha,
        timeout_s=FETCH_TIMEOUT_S,
    )


def restore_worktree_command(path: Path, version: Version) -> Command:
    """Put every tracked file back to what the commit says; files beside them stay."""
    return git_command(path, "reset", "--quiet", "--hard", version.sha, timeout_s=FETCH_TIMEOUT_S)


def forget_worktrees_command(mirror: Path) -> Command:
    """Let the mirror forget checkouts whose folders are gone."""
    return git_command(mirror, "worktree", "prune")


def describe_command(path: Path, version: Version) -> Command:
    """Print the commit's facts as `parse_source` reads them."""
    return git_command(
        path, "show", "--no-patch", "--no-show-signature", f"--format={_FIELDS}", version.sha
    )


def parse_source(stdout: str, path: Path) -> Source:
    """Return the source that `describe_command` printed."""
    sha, tree, author, subject = stdout.rstrip("\n").split("\0")
    return Source(Version(sha), tree, str(path), author, subject)


def list_files_command(path: Path, version: Version, folder: str) -> Command:
    """Print the names of all files of a folder of the commit, each ended by a zero byte."""
    return git_command(path, "ls-tree", "-r", "-z", "--name-only", f"{version.sha}:{folder}")


def show_file_command(path: Path, version: Version, file: str) -> Command:
    """Print one file as it was committed."""
    return git_command(path, "cat-file", "blob", f"{version.sha}:{file}")


def show_files_command(path: Path, version: Version, files: tuple[str, ...]) -> Command:
    """Print several files as they were committed, as `parse_files` reads them."""
    names = "".join(f"{version.sha}:{file}\n" for file in files)
    return git_command(path, "cat-file", "--batch", stdin=names)


def parse_files(output: bytes, files: tuple[str, ...]) -> dict[str, bytes]:
    """Return the content of each file that `show_files_command` printed.

    Raises:
        ValueError: When the output ends early or names something that is no file.
    """
    contents: dict[str, bytes] = {}
    start = 0
    for file in files:
        end = output.index(b"\n", start)
        _name, kind, size = output[start:end].rsplit(b" ", 2)
        if kind != b"blob":
            raise ValueError(f"{file} is no file")
        start = end + 1 + int(size)
        contents[file] = output[end + 1 : start]
        start += 1
    return contents


def list_present_command(path: Path, version: Version, files: tuple[str, ...]) -> Command:
    """Print those of the files that the commit has, each ended by a zero byte."""
    return git_command(
        path, "ls-tree", "-z", "--name-only", "--full-tree", version.sha, "--", *files
    )


def find_lines_command(
    path: Path, version: Version, words: tuple[str, ...], globs: tuple[str, ...]
) -> Command:
    """Print each line of the commit's text files that has one of the words; 1 means that none has.

    Args:
        path: A checkout.
        version: The commit; what was done to the checkout since does not count.
        words: What is looked for, as plain text.
        globs: Which files; `**` stands for any number of folders.
    """
    sought = (word for one in words for word in ("-e", one))
    places = (f":(top,glob){glob}" for glob in globs)
    return git_command(
        path, "grep", "-n", "-z", "-I", "-F", "--full-name", *sought, version.sha, "--", *places
    )


def parse_lines(stdout: str) -> tuple[tuple[str, int, str], ...]:
    r"""Return path, number and text of each line that `find_lines_command` printed.

    Example:
        >>> parse_lines("4f2:src/a.js\0" "7\0listen(process.env.PORT)\n")
        (('src/a.js', 7, 'listen(process.env.PORT)'),)
    """
    found = (_LINE.match(line) for line in stdout.split("\n"))
    return tuple((one["path"], int(one["number"]), one["text"]) for one in found if one)


def is_ancestor_command(path: Path, version: Version, other: Version) -> Command:
    """Return the command that succeeds when a commit's history holds a version."""
    return git_command(path, "merge-base", "--is-ancestor", version.sha, other.sha)


def changed_paths_command(path: Path, since: Version, until: Version) -> Command:
    """Print the paths that differ between two commits, each ended by a zero byte."""
    return git_command(path, "diff", "--name-only", "--no-renames", "-z", since.sha, until.sha)


def parse_names(stdout: str) -> tuple[str, ...]:
    r"""Return the names of a list in which each is ended by a zero byte.

    Example:
        >>> parse_names("a b\0c\0")
        ('a b', 'c')
    """
    return tuple(name for name in stdout.split("\0") if name)


def git_command(
    folder: Path, *words: str, stdin: str | None = None, timeout_s: float = 60.0
) -> Command:
    """Return a command of git's own in a folder, with none of the worker's owner's habits.

    Args:
        folder: A repository, bare or not.
        words: What git is to do.
        stdin: What it reads; None for nothing.
        timeout_s: How long it may take, in seconds.
    """
    settings = (word for setting in _SETTINGS for word in ("-c", setting))
    return Command(("git", "-C", str(folder), *settings, *words), stdin, timeout_s)
