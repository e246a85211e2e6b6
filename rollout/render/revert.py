"""What people read of a revert: the commit's message, the pull request, what they would type."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.model.finding import Finding
from rollout.model.proposal import Revert
from rollout.render.report import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollout.model.candidate import Candidate
    from rollout.model.proposal import Commit, Proposal, PullRequest, Span
    from rollout.model.release import Version

SHOWN = 50
"""How many commits are listed; a longer list says how many more there are."""


@dataclass(frozen=True, slots=True)
class Story:
    """Who asks for a revert and why.

    Attributes:
        environment: Where it was found to be needed.
        reason: Why.
        actor: Who asked; empty where nobody said.
        run_id: The Prefect flow run.
        run_url: Its page; empty where there is none.
        schema: What the schema contract says of the code that is gone back to, a line each.
    """

    environment: str
    reason: str
    actor: str
    run_id: str
    run_url: str = ""
    schema: tuple[str, ...] = ()


def render_title(number: int, version: Version) -> str:
    """Return the pull request's title, which is the commit's subject as well."""
    return f"Revert to release {number} ({version.short})"


def render_message(number: int, version: Version, span: Span, story: Story) -> str:
    """Return the message of the commit."""
    facts = (
        f"Takes back {_counted(span.commits)}, from {version.sha} to {span.top.sha}.",
        f"Why: {plain(story.reason)}",
        f"Asked by: {plain(story.actor) or 'nobody named'}, for {story.environment}",
        f"Run: {story.run_url or story.run_id}",
    )
    return "\n".join((render_title(number, version), "", *facts, ""))


def render_body(
    number: int, version: Version, span: Span, story: Story, kept: Sequence[str]
) -> str:
    """Return the pull request's text, markdown.

    Args:
        number: The release that is gone back to.
        version: Its commit.
        span: What is taken back.
        story: Who asks for it, why, and what the schema says.
        kept: The folders and files that stay as the branch has them.
    """
    run = f"[{story.run_id}]({story.run_url})" if story.run_url else f"`{story.run_id}`"
    return "\n".join(
        (
            f"Takes the code of {story.environment} back to release {number} (`{version.short}`). "
            "Merged, it is deployed like any other commit.",
            "",
            f"- **why:** {plain(story.reason)}",
            f"- **asked by:** {plain(story.actor) or 'nobody named'}",
            f"- **run:** {run}",
            "",
            "## Taken back",
            "",
            *_list(span.commits),
            "",
            *_newer(span.newer),
            *_migrations(span.migrations, kept),
            "## Schema",
            "",
            *(f"- {plain(line)}" for line in story.schema or ("It was not read.",)),
            "",
        )
    )


def told_by_contract(candidate: Candidate | None) -> tuple[str, ...]:
    """Return what the schema contract says of the release that is gone back to, a line each.

    Args:
        candidate: The release, judged by the schema that is there; None when it was not.
    """
    if candidate is None:
        return ()
    judged, number = candidate.judgement, candidate.release.number
    if isinstance(judged, Finding):
        return (f"Nobody knows whether its code can live with it: {judged.consequence}",)
    first = f"The code of release {number} and the schema that is there: {judged.grade.name}"
    reasons = (
        f"{one.grade.name} {one.finding.rule}, {one.finding.where}: {one.finding.consequence}"
        for one in judged.reasons
    )
    return (first, *reasons)


def render_by_hand(proposal: Proposal, base: str) -> tuple[str, ...]:
    """Return the commands that a person would type to propose the same, a line each.

    Args:
        proposal: What is proposed; its change is a revert.
        base: The branch that it is meant for.
    """
    change = proposal.change
    if not isinstance(change, Revert):
        return ()
    quoted, folders = shlex.quote(f"origin/{base}"), shlex.join(change.keep)
    commits = f"git rev-list --first-parent {change.chosen.sha}..{change.top.sha}"
    keep = f"git checkout {quoted} -- {folders}"
    return (
        "git fetch origin",
        f"git switch --no-track -c {proposal.branch} {quoted}",
        f"git revert --no-commit -m 1 $({commits})",
        *((keep,) if change.keep else ()),
        f"git commit -m {shlex.quote(proposal.title)}",
        f"git push -u origin {proposal.branch}",
        f"gh pr create --base {shlex.quote(base)} --title {shlex.quote(proposal.title)} --fill",
    )


def render_proposal(proposal: Proposal, base: str, pull: PullRequest | None) -> str:
    """Return what was proposed, or would be, as markdown beside the run.

    Args:
        proposal: What is proposed.
        base: The branch that it is meant for.
        pull: The pull request; None in a dry run.
    """
    seen = f"[{pull.url}]({pull.url}), {pull.state}" if pull else "would be opened"
    return "\n".join(
        (
            f"# {proposal.title}",
            "",
            f"- **pull request:** {seen}",
            f"- **branch:** `{proposal.branch}` for `{base}`",
            "",
            proposal.body,
        )
    )


def _newer(commits: Sequence[Commit]) -> tuple[str, ...]:
    if not commits:
        return ()
    told = "They came after what served, so they are deployed with this commit. Look at them first."
    return ("## On the branch since, and staying", "", told, "", *_list(commits), "")


def _migrations(files: Sequence[str], kept: Sequence[str]) -> tuple[str, ...]:
    if not files:
        return ("## Migrations", "", "None is among what is taken back.", "")
    folders = ", ".join(f"`{one}`" for one in kept)
    told = f"They are applied and stay applied; {folders} stay as they are on the branch."
    return ("## Migrations", "", told, "", *(f"- {_code(name)}" for name in files), "")


def _list(commits: Sequence[Commit]) -> Iterator[str]:
    for one in commits[:SHOWN]:
        yield f"- {one.version.short} {_code(one.subject)}{' (a merge)' if one.is_merge else ''}"
    if len(commits) > SHOWN:
        yield f"- and {len(commits) - SHOWN} more"


def _counted(commits: Sequence[Commit]) -> str:
    return f"{len(commits)} commit{'' if len(commits) == 1 else 's'} of the branch's own line"


def _code(text: str) -> str:
    """Return text that somebody wrote so that it names nobody and links to nothing."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"
