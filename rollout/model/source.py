"""The application's source at one commit."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.release import Version


@dataclass(frozen=True, slots=True)
class Source:
    """A commit that was checked out on the worker.

    Attributes:
        version: The commit.
        tree: Git's name of its content, 40 hexadecimal digits: two commits with the same content
            share it.
        path: Folder of the checkout; it can be made again by checking out once more.
        author: Who wrote the commit, as `name <address>`.
        subject: The first line of its message.
    """

    version: Version
    tree: str
    path: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Branches:
    """Which branches commits come from.

    Attributes:
        main: The branch that a commit must be on; its own name means its newest commit.
        allowed: Globs of branches, one of which a commit must be on instead; empty means `main`
            alone.
        demanded: Whether the commit must be on one of them, as they are now. Of a release that was
            deployed before it is not asked again: a branch may have been rewritten since.
    """

    main: str
    allowed: tuple[str, ...] = ()
    demanded: bool = True
