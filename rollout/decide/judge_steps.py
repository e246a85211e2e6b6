"""Judges the migrations of a folder one by one: by their text, their schemas, their witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.evidence import weigh
from rollout.migrations.judge import judge
from rollout.migrations.lint import findings_of
from rollout.migrations.sql import parse_sql
from rollout.model.judged_step import JudgedStep

if TYPE_CHECKING:
    from rollout.migrations.journal import Migration
    from rollout.model.catalog import Catalog
    from rollout.model.contract import Contract
    from rollout.model.judged_step import Walked


def judge_step(migration: Migration, catalog: Catalog, walked: Walked) -> JudgedStep:
    """Return a migration with what its text says and what it was seen to do.

    Args:
        migration: The file.
        catalog: The tables that were there before it.
        walked: What it did on a scratch database.
    """
    parsed, problems = parse_sql(migration)
    judged = judge(parsed, catalog)
    outlooks = [
        change.outlook.compatibility
        for one in judged
        for change in one.changes
        if not change.is_new
    ]
    rules = (finding.rule for _, said in findings_of(judged) for finding in said)
    return JudgedStep(
        tag=migration.tag,
        statements=len(parsed),
        unparsed=tuple(problem.where for problem in problems),
        outlook=max(outlooks, key=lambda one: one.weight, default=None),
        rules=tuple(dict.fromkeys(rules)),
        walked=walked,
        weighed=weigh(walked.judgement, walked.evidence).grade,
    )


def decide_tried(old: Contract, live: Contract) -> frozenset[str]:
    """Return the relations of older code of which a step may have changed the answers.

    Nothing else is worth trying twice. What every table may depend on, a function or a setting,
    lets all of them be tried.

    Args:
        old: The contract before the step.
        live: The contract after it.

    Returns:
        Names in full; empty when the code cannot tell the two apart.
    """
    everywhere = (old.functions, old.settings, old.domains, old.other)
    if everywhere != (live.functions, live.settings, live.domains, live.other):
        return frozenset(one.name for one in old.relations)
    there = {one.name: one for one in live.relations}
    known = {one.name: one for one in old.relations}
    changed = {name for name, one in known.items() if there.get(name) != one}
    enums = {one.name for one in set(old.enums) ^ set(live.enums)}
    using = {
        one.name
        for one in old.relations
        if any(column.type.removesuffix("[]") in enums for column in one.columns)
    }
    # A reference acts on both ends.
    ends = {
        key.references
        for sides in (known, there)
        for name, one in sides.items()
        if name in changed or name not in known
        for key in one.foreign_keys
    }
    views = {one.name for one in old.relations if one.kind.endswith("view") and changed}
    # A partition is met through the table above it.
    above = {known[name].parent for name in changed}
    return frozenset((changed | using | ends | views | above) & known.keys())
