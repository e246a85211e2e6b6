"""What the role may do, which rows it sees, and with which settings it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.rule import Comparison, Pair, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_COLUMN = ("INSERT", "SELECT", "UPDATE")


def _privilege_lost(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for right in pair.old.may:
            if right not in pair.new.may and (right not in _BY_COLUMN or not pair.old.columns):
                yield Said(Grade.BREAK, "", f"the role may not {right} (42501)", pair.old.name)
        yield from _columns(pair)


def _columns(pair: Pair) -> Iterator[Said]:
    for right in _BY_COLUMN:
        names = [
            old.name for old, new in pair.columns() if right in old.may and right not in new.may
        ]
        if names:
            told = f"the role may not {right} (42501)"
            yield Said(Grade.BREAK, ", ".join(names), told, pair.old.name)


def _row_security(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        before, after = pair.old, pair.new
        if before.row_security != after.row_security:
            told = "is on for the role" if after.row_security else "is off for the role"
            yield Said(Grade.RISK, "", f"row level security {told}", before.name)
        elif after.row_security and before.policies != after.policies:
            yield Said(Grade.RISK, "", "its policies are others", before.name)


def _setting(both: Comparison) -> Iterator[Said]:
    old, new = set(both.old.settings), set(both.new.settings)
    for setting in sorted(old ^ new):
        told = "is set for the role's sessions" if setting in new else "is not set any more"
        yield Said(Grade.RISK, setting.partition("=")[0], f"{setting} {told}")


def _role(both: Comparison) -> Iterator[Said]:
    if both.old.role != both.new.role:
        told = "what another role sees says little of what this one will"
        yield Said(Grade.RISK, f"{both.old.role}, {both.new.role}", told)


RULES = (
    Rule("privilege-lost", "GRANT it to the role again.", _privilege_lost),
    Rule("row-security", "Try what the role sees and writes.", _row_security),
    Rule("setting-changed", "Look what the setting does to the code's sessions.", _setting),
    Rule("role-changed", "Read both contracts for the same role.", _role),
)
