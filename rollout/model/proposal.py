"""Commits that are proposed to the application's repository, and what was read of its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rollout.model.release import Version


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a branch's own line: a merge stands for all that it brought.

    Attributes:
        version: Which one.
        subject: The first line of its message, as somebody wrote it.
        is_merge: Whether it has several parents.
    """

    version: Version
    subject: str
    is_merge: bool


@dataclass(frozen=True, slots=True)
class Span:
    """What lies between the version that is gone back to and a later one that served.

    Attributes:
        top: The later one.
        is_merged: Whether the branch holds it.
        follows: Whether it descends from the one that is gone back to.
        commits: From it backwards to the one that is gone back to, newest first; empty when it
            does not follow.
        newer: What the branch has beyond it, newest first; empty for nothing.
        migrations: Files that the commits added to the folder of the migrations.
    """

    top: Version
    is_merged: bool
    follows: bool
    commits: tuple[Commit, ...] = ()
    newer: tuple[Commit, ...] = ()
    migrations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revert:
    """Takes back what came between two versions, as one change.

    Attributes:
        chosen: The version that is gone back to.
        top: The last one that is taken back.
        keep: Folders and files that stay as the branch has them.
    """

    chosen: Version
    top: Version
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewFiles:
    """Writes files anew.

    Attributes:
        texts: Path in the repository to the file's whole text.
    """

    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A commit on a branch of its own, and the pull request that asks for it.

    Attributes:
        branch: The branch's name; the same name is the same proposal.
        change: What the commit does to the newest commit of the branch that it is meant for.
        message: The commit's message.
        title: The pull request's title.
        body: The pull request's text, markdown.
    """

    branch: str
    change: Revert | NewFiles
    message: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as GitHub has it.

    Attributes:
        number: Its number in the repository.
        url: Its page.
        state: Whether it still waits.
    """

    number: int
    url: str
    state: Literal["open", "closed", "merged"] = "open"
