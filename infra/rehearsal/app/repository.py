"""The application's bare git repository: read a tree, add a commit. Only this module runs git."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

from infra.rehearsal.app.history import FAULT_TRAILER, Commit
from infra.rehearsal.app.tree import File, Tree
from infra.rehearsal.shell import RehearsalError, tail

if TYPE_CHECKING:
    from pathlib import Path

BRANCH = "refs/heads/main"
_AUTHOR = "Trovella Rehearsal <rehearsal@trovella.ai>"
_BEGINNING = 1_774_872_000
"""Second of the first commit: 2026-03-30 12:00 UTC. Fixed, so that the same history has the same
commits on every machine."""
_STEP_S = 60
_TIMEOUT_S = 60


def commit_stream(commit: Commit, *, parent: str | None, before: Tree, second: int) -> bytes:
    """Return what `git fast-import` reads to add a commit to `main`.

    Args:
        commit: what to add.
        parent: the 40-hex commit that it follows; None begins the branch.
        before: the parent's files; empty when there is none.
        second: its time in seconds since 1970, UTC.
    """
    signature = f"{_AUTHOR} {second} +0000"
    head = f"commit {BRANCH}\nauthor {signature}\ncommitter {signature}\n".encode()
    ancestry = f"from {parent}\n".encode() if parent else b""
    return b"".join(
        (head, _data(commit.message.encode()), ancestry, *_edits(before, commit.tree), b"done\n")
    )


def _edits(before: Tree, after: Tree) -> list[bytes]:
    removed = [f"D {path}\n".encode() for path in sorted(before.keys() - after.keys())]
    written = [
        f"M {file.mode} inline {path}\n".encode() + _data(file.content)
        for path, file in sorted(after.items())
        if before.get(path) != file
    ]
    return removed + written


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


class Repository:
    """The bare repository in a folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read yet."""
        self._folder = folder

    def initialise(self) -> None:
        """Make the repository; one that exists stays as it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._folder))

    def head(self) -> str | None:
        """Return the 40-hex commit of `main`; None before the first one."""
        # Prints nothing when there is no such branch, and still fails when there is no repository.
        return self._line("for-each-ref", "--format=%(objectname)", BRANCH) or None

    def require_head(self) -> str:
        """Return the 40-hex commit of `main`.

        Raises:
            RehearsalError: there is none yet.
        """
        head = self.head() if self._folder.is_dir() else None
        if head is None:
            raise RehearsalError(
                f"`{self._folder}` holds no application",
                "Nothing was changed.",
                f"Run `python -m infra.rehearsal.app create {self._folder}` first.",
            )
        return head

    def last_sound(self, commit: str) -> str:
        """Return the newest commit without a fault, from `commit` backwards."""
        unmarked = ("--invert-grep", f"--grep=^{FAULT_TRAILER}: ")
        return self._line("log", "-1", "--format=%H", *unmarked, commit)

    def read(self, commit: str) -> Tree:
        """Return the regular files of a commit."""
        archive = self._git("archive", "--format=tar", commit)
        tree: dict[str, File] = {}
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            for member in files:
                content = files.extractfile(member) if member.isreg() else None
                if content:
                    executable = bool(member.mode & 0o100)
                    tree[member.name] = File(content.read(), executable=executable)
        return tree

    def commit(self, commit: Commit, *, onto: str | None) -> str:
        """Add a commit to `main` and return it.

        Args:
            commit: what to add.
            onto: the commit that `main` has to name; None means that it must not exist.

        Raises:
            RehearsalError: `main` names another commit by now, or git refused.
        """
        before = self.read(onto) if onto else {}
        second = (
            int(self._line("show", "-s", "--format=%ct", onto)) + _STEP_S if onto else _BEGINNING
        )
        stream = commit_stream(commit, parent=onto, before=before, second=second)
        self._git("fast-import", "--quiet", "--done", "--date-format=raw", stdin=stream)
        return self.require_head()

    def _second_of(self, commit: str) -> int:
        return int(self._line("show", "-s", "--format=%ct", commit))

    def _line(self, *words: str) -> str:
        return self._git(*words).decode().strip()

    def _git(self, *words: str, stdin: bytes = b"") -> bytes:
        # The folder may belong to another user (it is shown to several namespaces).
        command = ("git", "-c", f"safe.directory={self._folder}", "-C", str(self._folder), *words)
        done = subprocess.run(
            command,
            input=stdin,
            env=_environment(),
            timeout=_TIMEOUT_S,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise RehearsalError(
                f"`git {words[0]}` ended with {done.returncode}: {tail(done.stderr.decode())}",
                f"`main` in `{self._folder}` names the commit that it named before.",
                "Mend what git names above and run the same command again.",
            )
        return done.stdout


def _environment() -> dict[str, str]:
    """Return ours without what would point git elsewhere, or change what it does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
