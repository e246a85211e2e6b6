"""Proposes commits to the application's repository: a branch is pushed, a pull request opened.

The commit is made in the worker's mirror, without a checkout. What it changes is decided against
the newest commit of the branch that it is meant for; where both changed the same lines, nothing is
pushed. A branch's name is the proposal: one that is there is not made again.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.commands import proposal as commands
from rollout.commands.git import check_ref, check_repository, parse_names, resolve_command
from rollout.errors import (
    CommandFailed,
    ConfigInvalid,
    GitHubRefused,
    PushRefused,
    Refused,
    evidence,
)
from rollout.executors.git import Mirror, fetch, open_mirror
from rollout.model.command import Secret
from rollout.model.finding import Finding
from rollout.model.proposal import NewFiles, Revert, Span

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from rollout.executors.github import GitHub
    from rollout.model.command import Command
    from rollout.model.proposal import Proposal, PullRequest
    from rollout.model.release import Version

TAKEN = 422
"""How GitHub answers where the branch has a pull request already, among other things."""
USER = "x-access-token"
"""The name under which GitHub's git takes a token as password."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where commits are read, and where the worker keeps them.

    Attributes:
        repository: Where git fetches from: a path, or an address without a password.
        branch: The branch that proposals are meant for.
        workspace: The folder for mirrors.
        log: Called with what git says.
    """

    repository: str
    branch: str
    workspace: Path
    log: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pushing:
    """How a branch is pushed.

    Attributes:
        remote: Where to: a path, or an address without a password.
        token: What proves us over HTTP.
        author: Who the commits are by, as `name <address>`.
    """

    remote: str
    token: Secret
    author: str


def read_spans(
    origin: Origin, chosen: Version, tops: Iterable[Version], migrations: str
) -> tuple[Span, ...]:
    """Return what lies between a version and each of several later ones.

    Args:
        origin: Where to read.
        chosen: The version that is gone back to.
        tops: The later ones.
        migrations: The folder of the migrations in the repository.

    Raises:
        ConfigInvalid: When the repository has no such branch, or does not know a version.
        SourceUnavailable: When it cannot be read.
    """
    with _fetched(origin) as mirror:
        return tuple(_span(mirror, origin, chosen, top, migrations) for top in tops)


def rehearse(origin: Origin, proposal: Proposal) -> str:
    """Return the commit that a proposal would push, made in the mirror only.

    Raises:
        Refused: When the branch has changed the same lines since; names the files.
        SourceUnavailable: When the repository cannot be read.
    """
    with _fetched(origin) as mirror:
        return _commit(mirror, origin, proposal, "rehearsal <rehearsal@localhost>")


def propose(origin: Origin, proposal: Proposal, pushing: Pushing, github: GitHub) -> PullRequest:
    """Return the pull request of a proposal: the one that is there, or else a new one.

    GitHub is asked first: a token that is no good is found out before anything is pushed.

    Args:
        origin: What the commit is made from.
        proposal: What to propose.
        pushing: Where to push the branch.
        github: Where to open the pull request.

    Raises:
        Refused: When the branch has changed the same lines since; names the files.
        PushRefused: When the repository does not take the branch.
        GitHubError: When GitHub cannot be asked, or does not take the pull request.
        SourceUnavailable: When the repository cannot be read.
    """
    check_ref(proposal.branch, "branch")
    check_repository(pushing.remote)
    known = github.find(proposal.branch, origin.branch)
    if known is not None:
        return known
    with _fetched(origin) as mirror:
        if _resolved(mirror, commands.branch_revision(proposal.branch)) is None:
            commit = _commit(mirror, origin, proposal, pushing.author)
            _push(mirror, commit, proposal.branch, pushing)
    try:
        return github.open(proposal, origin.branch)
    except GitHubRefused as refused:
        # An answer that was lost on its way looks like this to the next try.
        known = github.find(proposal.branch, origin.branch) if refused.status == TAKEN else None
        if known is None:
            raise
        return known


@contextmanager
def _fetched(origin: Origin) -> Generator[Mirror]:
    check_ref(origin.branch, "branch")
    check_repository(origin.repository)
    with open_mirror(origin.repository, origin.workspace.resolve()) as mirror:
        fetch(mirror, origin.repository, origin.log)
        yield mirror


def _span(mirror: Mirror, origin: Origin, chosen: Version, top: Version, migrations: str) -> Span:
    head = _head(mirror, origin)
    for version in (chosen, top):
        if _resolved(mirror, version.sha) is None:
            raise ConfigInvalid("commit", f"{origin.repository} does not know {version.sha}")
    is_merged = mirror.run(commands.is_ancestor_command(mirror.path, top, head)).ok
    follows = mirror.run(commands.is_ancestor_command(mirror.path, chosen, top.sha)).ok
    if not (is_merged and follows):
        return Span(top, is_merged, follows)
    line = _read(mirror, commands.line_command(mirror.path, chosen, top.sha))
    newer = _read(mirror, commands.line_command(mirror.path, top, head))
    added = _read(mirror, commands.added_files_command(mirror.path, chosen, top, migrations))
    return Span(
        top,
        is_merged,
        follows,
        commands.parse_line(line),
        commands.parse_line(newer),
        tuple(name for name in parse_names(added) if name.endswith(".sql")),
    )


def _commit(mirror: Mirror, origin: Origin, proposal: Proposal, author: str) -> str:
    """Return the commit of a proposal, made onto the branch's newest one."""
    head = _head(mirror, origin)
    with tempfile.TemporaryDirectory(prefix="index-", dir=mirror.path.parent) as folder:
        making = _Making(mirror, Path(folder) / "index", author)
        change = proposal.change
        if isinstance(change, NewFiles):
            tree = making.with_files(head, change)
        else:
            tree = making.reverted(head, change)
        if tree == making.tree_of(head):
            raise Refused(f"branch {proposal.branch}", (_nothing(origin.branch),))
        return making.commit(tree, (head,), proposal.message)


@dataclass(frozen=True, slots=True)
class _Making:
    """Makes trees and commits in the mirror, over an index of its own."""

    mirror: Mirror
    index: Path
    author: str

    def reverted(self, head: str, change: Revert) -> str:
        """Return the branch's tree without what came between two versions.

        It is one merge: what changed from the later version to the earlier one is brought to the
        branch. So a merge in between is no special case, and only what the branch still differs in
        can conflict.
        """
        # What is to stay is the same on both sides of the change, so the change leaves it alone.
        base = self._with_folders_of(change.top.sha, change.chosen.sha, change.keep)
        root = self.commit(base, (), "what served")
        ours = self.commit(self.tree_of(head), (root,), "what the branch has")
        theirs = self.commit(self.tree_of(change.chosen.sha), (root,), "what is gone back to")
        result = self.mirror.run(commands.merge_command(self.mirror.path, ours, theirs))
        if result.exit_code not in (0, commands.CONFLICTS):
            raise CommandFailed(
                "the revert could not be made",
                result,
                next_step="Give the worker git 2.38 or newer.",
            )
        tree, conflicts = commands.parse_merge(result.stdout)
        if result.exit_code == commands.CONFLICTS:
            raise Refused("the revert", tuple(map(_conflict, conflicts)))
        return tree

    def with_files(self, head: str, change: NewFiles) -> str:
        """Return the branch's tree with files written anew."""
        path = self.mirror.path
        blobs = [
            (name, self._ask(commands.write_blob_command(path, text)))
            for name, text in change.texts.items()
        ]
        return self._edited(head, commands.written(blobs))

    def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        """Return a commit of a tree; no branch names it."""
        return self._ask(commands.commit_command(self.mirror.path, tree, parents, message))

    def tree_of(self, revision: str) -> str:
        """Return the tree of a commit."""
        return self._edited(revision, "")

    def _with_folders_of(self, revision: str, other: str, folders: tuple[str, ...]) -> str:
        """Return a commit's tree, with folders as another commit has them."""
        if not folders:
            return self.tree_of(revision)
        present, wanted = (
            _read(self.mirror, commands.list_entries_command(self.mirror.path, one, folders))
            for one in (revision, other)
        )
        return self._edited(revision, commands.swapped(present, wanted))

    def _edited(self, revision: str, entries: str) -> str:
        path = self.mirror.path
        self._ask(commands.read_tree_command(path, revision))
        if entries:
            self._ask(commands.update_index_command(path, entries))
        return self._ask(commands.write_tree_command(path))

    def _ask(self, command: Command) -> str:
        name, _, address = self.author.rstrip(">").partition(" <")
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", address))
        }
        env = {"GIT_INDEX_FILE": str(self.index), **identity}
        return self.mirror.check(command, "the commit could not be made", env).stdout.strip()


def _push(mirror: Mirror, commit: str, branch: str, pushing: Pushing) -> None:
    command = commands.push_command(mirror.path, pushing.remote, commit, branch)
    result = mirror.run(command, env=_login(pushing))
    if result.ok:
        return
    told = evidence(result)
    if commands.is_rejected(result.stdout):
        refused = PushRefused(
            f"the repository does not take branch {branch}: {told}",
            next_step="Look at its rules for branches of that name, then retry.",
        )
        listed = mirror.run(
            commands.branches_command(mirror.path, pushing.remote), env=_login(pushing)
        )
        refused.in_the_way = commands.in_the_way(branch, commands.parse_branches(listed.stdout))
        raise refused
    raise PushRefused(
        f"branch {branch} could not be pushed: {told}",
        left="Whether the branch is there is unknown; a retry looks, and makes no second one.",
        next_step="Check [github] push_to, and that the token may write contents; then retry.",
    )


def _login(pushing: Pushing) -> dict[str, str | Secret]:
    """Return the variables that prove us to the remote, and to nobody else.

    Neither the address nor a command line holds the token, and no helper of the worker's owner is
    asked in its place.
    """
    proof = base64.b64encode(f"{USER}:{pushing.token.reveal()}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": "",
        "GIT_CONFIG_KEY_1": f"http.{pushing.remote}.extraHeader",
        "GIT_CONFIG_VALUE_1": Secret(f"Authorization: Basic {proof}"),
    }


def _head(mirror: Mirror, origin: Origin) -> str:
    head = _resolved(mirror, commands.branch_revision(origin.branch))
    if head is None:
        raise ConfigInvalid("branch", f"the repository has no branch {origin.branch!r}")
    return head


def _resolved(mirror: Mirror, revision: str) -> str | None:
    result = mirror.run(resolve_command(mirror.path, revision))
    return result.stdout.strip() if result.ok else None


def _read(mirror: Mirror, command: Command) -> str:
    return mirror.check(command, "the history could not be read").stdout


def _conflict(file: str) -> Finding:
    return Finding(
        "revert-conflict",
        "the branch has changed lines since that the revert takes back",
        file,
        "Revert by hand, or write the commit that repairs it.",
    )


def _nothing(branch: str) -> Finding:
    return Finding(
        "revert-empty",
        f"{branch} would hold the same files as before",
        f"the newest commit of {branch}",
        "There is nothing to propose.",
    )
