"""References between tables: what must be there, and what a delete does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.rule import Comparison, Pair, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import ForeignKey, Relation

_RESTRICTING = ("no action", "restrict")
_Target = tuple[tuple[tuple[str, str], ...], str]


def _target(key: ForeignKey) -> _Target:
    """Return what a reference says, whatever the order of its columns."""
    return tuple(sorted(zip(key.columns, key.referenced, strict=False))), key.references


def _matches(both: Comparison) -> Iterator[tuple[Pair, ForeignKey, ForeignKey]]:
    """Yield each reference that both have and that acts otherwise."""
    for pair in both.pairs:
        before, after = _by_target(pair.old), _by_target(pair.new)
        for target in before:
            old, new = before[target], after.get(target, {})
            # The same may be said twice, with other actions.
            if new and old.keys() != new.keys():
                left = [old[acts] for acts in old if acts not in new] or [*old.values()]
                come = [new[acts] for acts in new if acts not in old] or [*new.values()]
                yield pair, left[0], come[0]


def _by_target(relation: Relation) -> dict[_Target, dict[object, ForeignKey]]:
    found: dict[_Target, dict[object, ForeignKey]] = {}
    for key in relation.foreign_keys:
        acts = key.on_delete, key.on_update, key.match, key.deferrable
        found.setdefault(_target(key), {})[acts] = key
    return found


def _added(pair: Pair) -> Iterator[ForeignKey]:
    known = {_target(key) for key in pair.old.foreign_keys}
    return (key for key in pair.new.foreign_keys if _target(key) not in known)


def _stays_null(key: ForeignKey, pair: Pair) -> bool:
    unknown = {column.name: column for column in pair.unknown()}
    names = [name in unknown and not unknown[name].fills_itself for name in key.columns]
    return any(names) if key.match == "simple" else all(names)


def _new(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for key in _added(pair):
            if not _stays_null(key, pair):
                told = f"rows without a match in {key.references} are refused (23503)"
                yield Said(Grade.RISK, ", ".join(key.columns), told, pair.old.name)


def _restriction(both: Comparison) -> Iterator[Said]:
    for relation, key in _new_references(both):
        if _blocks(key, relation):
            told = f"rows that newer code wrote keep those of {key.references} from being deleted"
            yield Said(Grade.RISK, ", ".join(key.columns), told, relation.name)


def _new_references(both: Comparison) -> Iterator[tuple[Relation, ForeignKey]]:
    """Yield references that a delete by the code can reach, from rows that it does not write."""
    for pair in both.pairs:
        for key in _added(pair):
            if _stays_null(key, pair):
                yield pair.new, key
    reached = set(both.relations[0])
    fresh = [one for one in both.new.relations if one.name not in both.relations[0]]
    for _ in fresh:
        reached |= {
            one.name
            for one in fresh
            if any(k.references in reached and not _blocks(k, one) for k in one.foreign_keys)
        }
    for relation in fresh:
        for key in relation.foreign_keys:
            if key.references in reached:
                yield relation, key


def _blocks(key: ForeignKey, relation: Relation) -> bool:
    if key.on_delete == "set null":
        columns = (relation.column(name) for name in key.columns)
        return any(column is None or column.not_null for column in columns)
    return key.on_delete != "cascade"


def _lost_keys(both: Comparison) -> Iterator[tuple[Pair, ForeignKey]]:
    for pair in both.pairs:
        kept = {_target(key) for key in pair.new.foreign_keys}
        for key in pair.old.foreign_keys:
            if _target(key) not in kept:
                yield pair, key


def _lost(both: Comparison) -> Iterator[Said]:
    for pair, key in _lost_keys(both):
        if key.on_delete in _RESTRICTING and key.on_update in _RESTRICTING:
            told = f"rows without a match in {key.references} are let in"
            yield Said(Grade.LOW, ", ".join(key.columns), told, pair.old.name)


def _cascade_lost(both: Comparison) -> Iterator[Said]:
    for pair, key in _lost_keys(both):
        if key.on_delete not in _RESTRICTING or key.on_update not in _RESTRICTING:
            told = f"rows stay as they are when their {key.references} is deleted or renamed"
            yield Said(Grade.RISK, ", ".join(key.columns), told, pair.old.name)


def _otherwise(both: Comparison) -> Iterator[Said]:
    for pair, old, new in _matches(both):
        before = (old.on_delete, old.on_update, old.match)
        after = (new.on_delete, new.on_update, new.match)
        if before != after:
            told = f"a change of {new.references} does {_acts(new)} and did {_acts(old)}"
            yield Said(Grade.RISK, ", ".join(old.columns), told, pair.old.name)


def _acts(key: ForeignKey) -> str:
    return f"{key.on_delete} on delete, {key.on_update} on update, match {key.match}"


def _deferrable(both: Comparison) -> Iterator[Said]:
    for pair, old, new in _matches(both):
        if old.deferrable != new.deferrable:
            grade = Grade.LOW if new.deferrable else Grade.RISK
            told = "the refusal comes at another moment"
            yield Said(grade, ", ".join(old.columns), told, pair.old.name)


RULES = (
    Rule("new-reference", "Look for rows without a match, or drop the reference.", _new),
    Rule(
        "new-restriction",
        "Let the reference cascade or set NULL, if the code deletes such rows.",
        _restriction,
    ),
    Rule("reference-lost", "See that nothing relies on the refusal.", _lost),
    Rule(
        "cascade-lost", "Make the reference again, or delete the rows another way.", _cascade_lost
    ),
    Rule("reference-acts-otherwise", "Give the reference its old actions back.", _otherwise),
    Rule("reference-deferrable", "See that no code relies on the moment.", _deferrable),
)
