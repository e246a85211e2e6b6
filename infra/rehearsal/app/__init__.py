"""The application that the rehearsal deploys, and the commits that are made to it.

`template/` is the application itself, shaped like Trovella's repository; `next/` holds what differs
when Next.js serves it. The modules here only write its history: they never build or run it.

The one rule: trees go in and trees come out; only `repository` (git) and `kinds.load` (this folder)
touch files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.rehearsal.app import history, kinds
from infra.rehearsal.app.editions import edition_of
from infra.rehearsal.app.faults import Fault
from infra.rehearsal.app.kinds import Kind
from infra.rehearsal.app.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Fault", "Kind", "commit", "create"]


def create(repository: Path, kind: Kind = "plain") -> str:
    """Make sure that the application's repository exists and is of a kind.

    A repository that exists keeps its history: it gains a commit only when it is of the other kind.

    Args:
        repository: folder of the bare repository; made when it is missing.
        kind: `plain` for a Node server without dependencies, `next` for Next.js.

    Returns:
        The 40-hex commit that `main` names afterwards.

    Raises:
        RehearsalError: git refused, or another writer moved `main` meanwhile.
    """
    store = Repository(repository)
    store.initialise()
    head = store.head()
    if head is None:
        return store.commit(history.first(kinds.load(kind)), onto=None)
    if kinds.kind_of(store.read(head)) == kind:
        return head
    sound = store.read(store.last_sound(head))
    return store.commit(history.converted(sound, kind, kinds.load(kind)), onto=head)


def commit(repository: Path, fault: Fault | None = None) -> str:
    """Add the next commit to `main`: a visible change, and whatever the fault spoils.

    Every commit starts from the last one without a fault, so a fault lasts for one commit only.

    Args:
        repository: folder of a repository that `create` has made.
        fault: what goes wrong with the new commit; None means nothing does.

    Returns:
        The 40-hex commit that `main` names afterwards.

    Raises:
        RehearsalError: there is no repository, git refused, or a person's commit removed a place
            that is edited here.
    """
    store = Repository(repository)
    head = store.require_head()
    edition = edition_of(store.read(head)) + 1
    sound = store.read(store.last_sound(head))
    return store.commit(history.following(sound, edition, fault), onto=head)
