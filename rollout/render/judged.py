"""Writes what walking a migrations folder showed: a line for each step, and a summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout.model.judged_step import IN_VAIN_AIM
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from rollout.model.judged_step import JudgedStep, Walk

_SHOWN = 100
"""How much of a statement is shown, in characters."""


def render_step(step: JudgedStep) -> str:
    """Return a step for people: one line, and below it what speaks for or against it."""
    outlook = step.outlook.value if step.outlook else "-"
    lines = [f"{step.grade.name:<5} {step.tag}  text: {outlook}  {step.walked.seconds:.2f} s"]
    if step.rules:
        lines.append(f"  rules: {', '.join(step.rules)}")
    worst = next(iter(step.walked.judgement.reasons), None)
    if worst:
        finding = worst.finding
        lines.append(f"  relation: {finding.rule}: {finding.where}: {finding.consequence}")
    witness = step.witness
    if witness:
        state = f" (SQLSTATE {witness.sqlstate})" if witness.sqlstate else ""
        lines.append(f"  witness: {witness.statement[:_SHOWN]} {witness.says}{state}")
    if step.grade == Grade.RISK:
        lines.append(
            f"  tried: {step.walked.evidence.tried} statements; weighed: {step.weighed.name}"
        )
    lines += [f"  MISSED: called {step.grade.name} against a witness"] if step.is_missed else []
    lines += ["  refused in vain: nothing shows it"] if step.is_refused_in_vain else []
    if step.cannot_be_shown and not witness:
        lines.append("  cannot be shown: no insert into the table was accepted before either")
    lines += [f"  does not parse: {place}" for place in step.unparsed]
    lines += [f"  left out: {one.where}: {one.why}" for one in step.walked.skipped]
    return "\n".join(lines)


def render_walk(walk: Walk) -> str:
    """Return the summary for people."""
    figures = _figures(walk)
    grades = ", ".join(f"{count} {name}" for name, count in figures["grades"].items())
    return "\n".join((
        f"{figures['steps']} steps, {figures['statements']} statements: {grades}",
        f"breaking called OK or LOW: {figures['missed']} (aim 0)",
        f"compatible steps refused: {figures['refused_in_vain']} of {figures['compatible']}, "
        f"{walk.in_vain_share:.1%} (aim below {IN_VAIN_AIM:.0%}); "
        f"cannot be shown: {figures['cannot_be_shown']}",
        f"a RISK that a statement shows: {figures['risks_shown']} of "
        f"{figures['grades'].get('RISK', 0)}",
        f"parts that do not parse: {figures['unparsed']} (aim 0); "
        f"left out by the server: {figures['left_out']}",
        f"{figures['seconds_median']} s a step in the middle, {figures['seconds_most']} s at most",
        "the aims hold" if walk.aims_hold else "the aims do not hold",
    ))  # fmt: skip


def step_json(step: JudgedStep) -> str:
    """Return a step as one line of JSON."""
    witness = step.witness
    worst = next(iter(step.walked.judgement.reasons), None)
    return _line({
        "tag": step.tag,
        "statements": step.statements,
        "unparsed": list(step.unparsed),
        "text": step.outlook.value if step.outlook else None,
        "rules": list(step.rules),
        "relation": step.grade.name,
        "weighed": step.weighed.name,
        "reason": worst and {"rule": worst.finding.rule, "where": worst.finding.where},
        "witness": witness
        and {
            "statement": witness.statement,
            "says": witness.says,
            "sqlstate": witness.sqlstate,
            "decodes_only": witness.decodes_only,
        },
        "missed": step.is_missed,
        "cannot_be_shown": step.cannot_be_shown,
        "refused_in_vain": step.is_refused_in_vain,
        "left_out": [{"where": one.where, "why": one.why} for one in step.walked.skipped],
        "tried": step.walked.evidence.tried,
        "seconds": round(step.walked.seconds, 3),
    })  # fmt: skip


def walk_json(walk: Walk) -> str:
    """Return the summary as one line of JSON."""
    return _line({"summary": _figures(walk)})


def _figures(walk: Walk) -> dict[str, Any]:
    grades = [step.grade for step in walk.steps]
    seconds = sorted(step.walked.seconds for step in walk.steps) or [0.0]
    return {
        "steps": len(walk.steps),
        "statements": sum(step.statements for step in walk.steps),
        "grades": {grade.name: grades.count(grade) for grade in sorted(set(grades))},
        "missed": len(walk.missed),
        "compatible": sum(step.is_compatible for step in walk.steps),
        "refused_in_vain": len(walk.refused_in_vain),
        "cannot_be_shown": sum(
            step.cannot_be_shown and step.witness is None for step in walk.steps
        ),
        "risks_shown": sum(step.grade < step.weighed for step in walk.steps),
        "unparsed": len(walk.unparsed),
        "left_out": sum(len(step.walked.skipped) for step in walk.steps),
        "seconds_median": round(seconds[len(seconds) // 2], 3),
        "seconds_most": round(seconds[-1], 3),
        "aims_hold": walk.aims_hold,
    }


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
