"""What people and programs read of judgements by a schema: text, a table, JSON on one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout.model.finding import Finding
from rollout.model.release import SHORT_LENGTH
from rollout.render.releases import lined_up, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.model.candidate import Candidate
    from rollout.model.judgement import Judgement, Reason
    from rollout.model.overview import ReleaseLine

_COLUMNS = ("", "RELEASE", "VERSION", "STAGE", "GRADE", "WHY")
_WORST = 3


def render_comparison(release: ReleaseLine, judgement: Judgement) -> str:
    """Return a judgement of one release in full, as text for a terminal."""
    version = release.version[:SHORT_LENGTH]
    lines = [f"release {release.number} ({version}): {judgement.grade.name}"]
    for reason in judgement.reasons:
        found = reason.finding
        lines += [
            "",
            printable(f"{reason.grade.name} {found.rule}: {found.where or 'the whole schema'}"),
            f"  consequence: {printable(found.consequence)}",
            f"  help: {printable(found.help)}",
        ]
    return "\n".join(lines)


def comparison_json(environment: str, release: ReleaseLine, judgement: Judgement) -> str:
    """Return the same as a JSON object on one line, whose keys stay.

    Args:
        environment: The environment's name.
        release: What was judged.
        judgement: What follows from its contract.
    """
    said = {
        "environment": environment,
        "release": release.number,
        "version": release.version,
        "grade": judgement.grade.name,
        "reasons": _reasons(judgement.reasons),
    }
    return json.dumps(said, ensure_ascii=False)


def render_candidates(environment: str, candidates: Sequence[Candidate]) -> str:
    """Return releases as a table for a terminal, or a sentence where there is none."""
    if not candidates:
        return f"{environment} has no release yet"
    return "\n".join(lined_up((_COLUMNS, *map(_row, candidates))))


def candidates_json(environment: str, candidates: Sequence[Candidate]) -> str:
    """Return the same as a JSON object on one line, whose keys stay."""
    said = {"environment": environment, "releases": [_said(one) for one in candidates]}
    return json.dumps(said, ensure_ascii=False)


def _row(candidate: Candidate) -> tuple[str, ...]:
    release, grade = candidate.release, candidate.grade
    return (
        "serves" if candidate.serves else "",
        str(release.number),
        release.version[:SHORT_LENGTH],
        release.stage,
        "-" if grade is None else grade.name,
        printable(why(candidate.judgement)),
    )


def why(judged: Judgement | Finding) -> str:
    """Return in a line why a release may serve or not: its worst reasons, or what is missing."""
    if isinstance(judged, Finding):
        return f"no contract: {judged.consequence}"
    worst = [one.finding for one in judged.reasons if one.grade == judged.grade]
    told = "; ".join(f"{one.rule} {one.where}".rstrip() for one in worst[:_WORST])
    more = f" and {len(worst) - _WORST} more" if len(worst) > _WORST else ""
    text = "image compatible" if judged.may_serve else ""
    return ": ".join(filter(None, (text, told + more)))


def _said(candidate: Candidate) -> dict[str, Any]:
    release, judged, grade = candidate.release, candidate.judgement, candidate.grade
    known = not isinstance(judged, Finding)
    return {
        "number": release.number,
        "version": release.version,
        "stage": release.stage,
        "on_host": release.on_host,
        "serves": candidate.serves,
        "grade": None if grade is None else grade.name,
        "reasons": _reasons(judged.reasons) if known else [],
        "no_contract": "" if known else judged.consequence,
    }


def _reasons(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    return [
        {
            "grade": one.grade.name,
            "rule": one.finding.rule,
            "where": one.finding.where,
            "consequence": one.finding.consequence,
            "help": one.finding.help,
        }
        for one in reasons
    ]
