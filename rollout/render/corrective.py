"""What people and programs read of a corrective migration: its files, what it restores or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollout.model.finding import Go
from rollout.model.release import SHORT_LENGTH
from rollout.render.releases import printable
from rollout.render.report import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.decide.corrective import Corrective
    from rollout.migrations.corrective import Draft
    from rollout.model.finding import Finding
    from rollout.model.overview import ReleaseLine
    from rollout.model.release import Version
    from rollout.render.revert import Story


def render_corrective(release: ReleaseLine, made: Corrective) -> str:
    """Return a corrective migration as text for a terminal."""
    name = f"release {release.number} ({release.version[:SHORT_LENGTH]})"
    if not made.draft.restored:
        return f"{name}: nothing is broken, so nothing has to be corrected"
    lines = [f"{name}: the draft {_MAY[isinstance(made.verdict, Go)]}"]
    for one in made.draft.restored:
        lines += ["", printable(f"{one.rule}: {one.where}")]
        lines += [f"  {printable(statement)}" for statement in one.answer.statements]
        lines += [] if one.answer.statements else ["  no draft"]
        lines += [f"  lost: {printable(one.answer.lost)}"] if one.answer.lost else []
    if not isinstance(made.verdict, Go):
        for found in made.verdict.findings:
            lines += ["", printable(f"refused by {found.rule}: {found.where}")]
            lines += [f"  consequence: {printable(found.consequence)}"]
            lines += [f"  help: {printable(found.help)}"]
    for path, text in made.files.items():
        lines += ["", f"--- {path}", text.rstrip("\n")]
    return "\n".join(lines)


def corrective_json(environment: str, release: ReleaseLine, made: Corrective) -> str:
    """Return the same as a JSON object on one line, whose keys stay.

    Args:
        environment: The environment's name.
        release: Whose code is to serve again.
        made: The draft and what became of it.
    """
    said = {
        "environment": environment,
        "release": release.number,
        "version": release.version,
        "offered": isinstance(made.verdict, Go),
        "files": dict(made.files),
        "restored": [
            {
                "rule": one.rule,
                "where": one.where,
                "statements": list(one.answer.statements),
                "lost": one.answer.lost,
            }
            for one in made.draft.restored
        ],
        "findings": [
            {
                "rule": found.rule,
                "where": found.where,
                "consequence": found.consequence,
                "help": found.help,
            }
            for found in made.verdict.findings
        ],
    }
    return json.dumps(said, ensure_ascii=False)


def render_corrective_page(text: str) -> str:
    """Return what `render_corrective` made, as markdown beside the run."""
    fenced = text.replace("```", "'''")
    return "\n".join(("# Corrective migration", "", "```text", fenced, "```", ""))


def render_corrective_title(number: int, version: Version) -> str:
    """Return the pull request's title, which is the commit's subject as well."""
    return f"Correct the schema for release {number} ({version.short})"


def render_corrective_message(number: int, version: Version, story: Story) -> str:
    """Return the message of the commit that brings a corrective migration."""
    facts = (
        f"Brings back what the code of {version.sha} needs of the schema.",
        f"Why: {plain(story.reason)}",
        f"Asked by: {plain(story.actor) or 'nobody named'}, for {story.environment}",
        f"Run: {story.run_url or story.run_id}",
    )
    return "\n".join((render_corrective_title(number, version), "", *facts, ""))


def render_corrective_body(
    number: int, version: Version, draft: Draft, lost: tuple[Finding, ...], story: Story
) -> str:
    """Return the pull request's text, markdown.

    Args:
        number: The release whose code is to serve again.
        version: Its commit.
        draft: What restores which break.
        lost: What does not come back.
        story: Who asks for it and why; what its schema says stands in the draft.
    """
    run = f"[{story.run_id}]({story.run_url})" if story.run_url else f"`{story.run_id}`"
    return "\n".join(
        (
            f"Brings back what the code of release {number} (`{version.short}`) needs of the "
            f"schema of {story.environment}. It ran on a scratch copy of the live schema: that "
            "code can live with it then, and the code that serves now still can.",
            "",
            f"- **why:** {plain(story.reason)}",
            f"- **asked by:** {plain(story.actor) or 'nobody named'}",
            f"- **run:** {run}",
            "",
            "## Restored",
            "",
            *_restored(draft),
            "",
            "## Lost",
            "",
            *([f"- {plain(one.where)}: {plain(one.consequence)}" for one in lost] or ["Nothing."]),
            "",
            "## Then",
            "",
            f"Merged and deployed, `bin/rollback {number} --strategy image --reason WHY "
            f"--environment {story.environment}` makes the release serve. "
            "Bring schema.ts in line with it.",
            "",
        )
    )


def _restored(draft: Draft) -> Iterator[str]:
    for one in draft.restored:
        yield f"- `{one.rule}` {plain(one.where)}"
        yield from (f"  - `{' '.join(text.split())}`" for text in one.answer.statements)


_MAY = {True: "may be offered", False: "is refused"}
