"""Reads the application's repository through git's own program.

A workspace holds one bare mirror for each repository, which only ever grows, and a folder for each
commit that was asked for. Whoever changes either holds the mirror's lock, so two runs at once wait
for each other instead of tearing each other's files.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.commands import git as commands
from rollout.decide.may_go import judge_branches
from rollout.errors import CommandFailed, ConfigInvalid, Refused, SourceUnavailable, evidence
from rollout.executors.process import inherited_environment, run_local
from rollout.model.finding import Finding, Refuse
from rollout.model.release import Version
from rollout.model.source import Branches

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from rollout.executors.process import Log
    from rollout.model.command import Command, Result, Secret
    from rollout.model.source import Source

# Git must fail where it would ask a person.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0"}
_NONE_FOUND = 1
KEPT_CHECKOUT_S = 7 * 24 * 3600.0
"""How long a checkout stays after it was last asked for, in seconds."""


def checkout(
    repository: str,
    ref: str,
    branch: str | Branches,
    workspace: Path,
    log: Log,
    *,
    purpose: str = "source",
) -> Source:
    """Return the source of one commit, checked out on the worker.

    Doing it again is harmless: tracked files are put back to what the commit says, and what
    commands made beside them stays, so a retry need not start over.

    Nothing is fetched for a whole commit that was fetched before and need not be on a branch: it
    never changes, and a release is looked at and gone back to while the repository is away.

    Args:
        repository: Where git fetches from: a path, or an address without a password.
        ref: A commit of 7 to 40 digits, a branch or a tag.
        branch: The branch that the commit must be on, or which others it may be on instead.
        workspace: The folder for mirrors and checkouts.
        log: Called with what git says.
        purpose: Names the checkout; one for checks and one for builds keep what the former leave
            behind out of an image.

    Raises:
        ConfigInvalid: When the ref or the repository is no such thing, or names nothing.
        Refused: When the commit is not on such a branch.
        SourceUnavailable: When the repository has to be read, and cannot be.
    """
    commands.check_ref(ref)
    branches = branch if isinstance(branch, Branches) else Branches(branch)
    commands.check_ref(branches.main, "branch")
    commands.check_repository(repository)
    workspace = workspace.resolve()
    with open_mirror(repository, workspace) as mirror:
        version = None if branches.demanded else _known(mirror, ref)
        if version is None:
            fetch(mirror, repository, log)
            version = _resolve(mirror, ref, branches.main, repository)
        if branches.demanded:
            _demand_on_branch(mirror, version, branches)
        path = workspace / "checkouts" / purpose / version.sha
        _place(mirror, path, version)
        _sweep(mirror, path.parent)
        described = mirror.check(
            commands.describe_command(path, version), "the commit could not be read"
        )
        return commands.parse_source(described.stdout, path)


def read_file(source: Source, path: str) -> str:
    """Return one file's text as it was committed, whatever was done to the checkout since.

    Raises:
        ConfigInvalid: When the commit has no such file, or it is no UTF-8.
    """
    command = commands.show_file_command(Path(source.path), source.version, path)
    answer = _run_exact(command)
    if answer.returncode:
        raise ConfigInvalid(path, f"is no file of commit {source.version.short}")
    try:
        return answer.stdout.decode()
    except UnicodeDecodeError:
        raise ConfigInvalid(path, f"is no UTF-8 text in commit {source.version.short}") from None


def read_folder(source: Source, folder: str) -> dict[str, bytes]:
    """Return all files of a folder as they were committed, byte for byte.

    Returns:
        Path below the folder to content; empty when the commit has no such folder.
    """
    path, version = Path(source.path), source.version
    listed = _run(commands.list_files_command(path, version, folder))
    names = commands.parse_names(listed.stdout) if listed.ok else ()
    files = tuple(f"{folder}/{name}" for name in names)
    if not files:
        return {}
    output = _run_exact(commands.show_files_command(path, version, files)).stdout
    contents = commands.parse_files(output, files)
    return dict(zip(names, contents.values(), strict=True))


def read_present(source: Source, files: tuple[str, ...]) -> dict[str, bytes]:
    """Return those of the files that the commit has, byte for byte, by path."""
    if not files:
        return {}
    path, version = Path(source.path), source.version
    listed = _run(commands.list_present_command(path, version, files))
    present = commands.parse_names(listed.stdout) if listed.ok else ()
    if not present:
        return {}
    output = _run_exact(commands.show_files_command(path, version, present)).stdout
    return commands.parse_files(output, present)


def find_lines(
    source: Source, words: tuple[str, ...], globs: tuple[str, ...]
) -> tuple[tuple[str, int, str], ...]:
    """Return path, number and text of each committed line that has one of the words.

    Args:
        source: The commit.
        words: What is looked for, as plain text.
        globs: Which files; binary ones are left out. Empty finds nothing.

    Raises:
        CommandFailed: When git cannot look, or is not done in a minute.
    """
    if not (words and globs):
        return ()
    command = commands.find_lines_command(Path(source.path), source.version, words, globs)
    result = _run(command)
    if result.exit_code not in (0, _NONE_FOUND):
        raise CommandFailed(
            "the code could not be searched", result, next_step="Look at the worker's git."
        )
    return commands.parse_lines(result.stdout)


def changed_paths(source: Source, since: Version) -> tuple[str, ...] | None:
    """Return the paths that differ between an earlier version and the source.

    Returns:
        The paths; None when the repository does not know the earlier version.
    """
    command = commands.changed_paths_command(Path(source.path), since, source.version)
    result = _run(command)
    return commands.parse_names(result.stdout) if result.ok else None


def precedes(source: Source, other: Version, branch: str) -> bool:
    """Return whether another version of a branch holds the source's commit, and more.

    False too where the repository does not know the other one, or the branch does not hold it, or
    no longer: then it is not what the branch has come to.

    Args:
        source: The commit.
        other: The other version.
        branch: The branch.
    """
    path = Path(source.path)
    return source.version != other and all(
        _run(command).ok
        for command in (
            commands.is_ancestor_command(path, source.version, other),
            commands.is_on_branch_command(path, other, branch),
        )
    )


@dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror that this run alone may change, with the lock that says so."""

    path: Path
    lock: int

    def run(
        self,
        command: Command,
        log: Log = lambda _: None,
        env: Mapping[str, str | Secret] | None = None,
    ) -> Result:
        """Run a command on the mirror, whatever its exit status is.

        Args:
            command: What to run.
            log: Called with what git says.
            env: Variables of its own; None for no more than all have.
        """
        # Git inherits the lock: when we are killed in the middle, nobody starts before git ended.
        return _run(command, log, (self.lock,), env or {})

    def check(
        self, command: Command, what: str, env: Mapping[str, str | Secret] | None = None
    ) -> Result:
        """Run a command that must succeed.

        Args:
            command: What to run.
            what: What it means that it fails, as a lower-case fragment.
            env: As `run`.

        Raises:
            CommandFailed: When it does not.
        """
        result = self.run(command, env=env)
        if not result.ok:
            raise CommandFailed(what, result, next_step="Look at the worker's disk, then retry.")
        return result


@contextmanager
def open_mirror(repository: str, workspace: Path) -> Generator[Mirror]:
    """Yield the repository's mirror; whoever else wants it waits."""
    name = hashlib.sha256(repository.encode()).hexdigest()[:16]
    path = workspace / "mirrors" / f"{name}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        # The kernel drops this lock with its last holder, however that one dies.
        fcntl.flock(lock, fcntl.LOCK_EX)
        mirror = Mirror(path, lock.fileno())
        mirror.check(commands.create_mirror_command(path), "no mirror could be made")
        yield mirror


def fetch(mirror: Mirror, repository: str, log: Log) -> None:
    """Bring the mirror up to date.

    Raises:
        SourceUnavailable: When the repository cannot be read.
    """
    result = mirror.run(commands.fetch_command(mirror.path, repository), log)
    if not result.ok:
        raise SourceUnavailable(
            f"the repository {repository} could not be read: {evidence(result)}",
            next_step="Check its address and what the worker may read, then retry.",
        )


def _known(mirror: Mirror, ref: str) -> Version | None:
    """Return the commit that a ref is, in full, where the mirror has it; None for any other."""
    if not commands.is_whole_commit(ref):
        return None
    return Version(ref) if mirror.run(commands.resolve_command(mirror.path, ref)).ok else None


def _resolve(mirror: Mirror, ref: str, branch: str, repository: str) -> Version:
    for revision in commands.candidates(ref, branch):
        result = mirror.run(commands.resolve_command(mirror.path, revision))
        if result.ok:
            return Version(result.stdout.strip())
    raise ConfigInvalid(
        "commit", f"{repository} has no commit, branch or tag {ref!r}, or several that begin so"
    )


def _demand_on_branch(mirror: Mirror, version: Version, branches: Branches) -> None:
    if branches.allowed:
        command = commands.branches_holding_command(mirror.path, version)
        holding = mirror.check(command, "the branches of the commit could not be read").stdout
        verdict = judge_branches(holding.split(), branches.allowed, version.short)
        if isinstance(verdict, Refuse):
            raise Refused(f"commit {version.short}", verdict.findings)
        return
    branch = branches.main
    result = mirror.run(commands.is_on_branch_command(mirror.path, version, branch))
    if result.ok:
        return
    if result.exit_code != 1:
        raise ConfigInvalid("branch", f"the repository has no branch {branch!r}")
    finding = Finding(
        rule="commit-on-branch",
        consequence=f"it is not on branch {branch}, so nobody merged it",
        where=f"commit {version.short}",
        help=f"Merge it to {branch} first, or name a commit that is there.",
    )
    raise Refused(f"commit {version.short}", (finding,))


def _place(mirror: Mirror, path: Path, version: Version) -> None:
    """Write the commit's files; what a killed run left half made is replaced."""
    if not (path.exists() and mirror.run(commands.restore_worktree_command(path, version)).ok):
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        command = commands.add_worktree_command(mirror.path, path, version)
        mirror.check(command, "the commit's files could not be written")
    path.touch()


def _sweep(mirror: Mirror, folder: Path) -> None:
    oldest = time.time() - KEPT_CHECKOUT_S
    old = [path for path in folder.iterdir() if path.stat().st_mtime < oldest]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    if old:
        mirror.run(commands.forget_worktrees_command(mirror.path))


def _run(
    command: Command,
    log: Log = lambda _: None,
    keep_open: tuple[int, ...] = (),
    env: Mapping[str, str | Secret] | None = None,
) -> Result:
    whole = {**_ENVIRONMENT, **(env or {})}
    return run_local(command, cwd=Path.cwd(), env=whole, log=log, keep_open=keep_open)


def _run_exact(command: Command) -> subprocess.CompletedProcess[bytes]:
    """Run a reading command whose output is bytes: a migration's hash is that of its bytes."""
    stdin = command.stdin
    return subprocess.run(
        command.argv,
        env={**inherited_environment(), **_ENVIRONMENT},
        input=stdin.encode() if isinstance(stdin, str) else None,
        capture_output=True,
        timeout=command.timeout_s,
        check=False,
    )
