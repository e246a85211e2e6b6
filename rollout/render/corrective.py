"""What people and programs read of a corrective migration: its files, what it restores or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollout.model.finding import Go
from rollout.model.release import SHORT_LENGTH
from rollout.render.releases import printable

if TYPE_CHECKING:
    from rollout.decide.corrective import Corrective
    from rollout.model.overview import ReleaseLine


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


_MAY = {True: "may be offered", False: "is refused"}
