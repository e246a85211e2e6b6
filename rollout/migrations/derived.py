"""What a contract that was derived from migrations alone lacks, filled in from the live one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.model.contract import Column, Contract, Relation

_ROWS = ("DELETE", "INSERT", "SELECT", "UPDATE")
_COLUMN = ("INSERT", "SELECT", "UPDATE")


def as_allowed_now(derived: Contract, live: Contract) -> Contract:
    """Return a derived contract with the rights and settings that the role has now.

    Migrations seldom say who may do what, and a contract of code that may do nothing would be
    fulfilled by every schema. What is not there any more counts as having been allowed, so that it
    is missed. That a right was taken away since then cannot be seen.

    Args:
        derived: What the migrations made.
        live: What is there now.
    """
    sequences = {one.name: one.usable for one in live.sequences}
    functions = {one.signature: one.usable for one in live.functions}
    return replace(
        derived,
        relations=tuple(_relation(one, live.relation(one.name)) for one in derived.relations),
        sequences=tuple(
            replace(one, usable=sequences.get(one.name, True)) for one in derived.sequences
        ),
        functions=tuple(
            replace(one, usable=functions.get(one.signature, True)) for one in derived.functions
        ),
        settings=live.settings,
    )


def _relation(one: Relation, live: Relation | None) -> Relation:
    return replace(
        one,
        may=live.may if live else _ROWS,
        columns=tuple(_column(column, live) for column in one.columns),
    )


def _column(one: Column, live: Relation | None) -> Column:
    there = live.column(one.name) if live else None
    if there is None:
        return replace(one, may=_COLUMN, sequence_usable=True)
    usable = there.sequence_usable or there.sequence != one.sequence
    return replace(one, may=there.may, sequence_usable=usable)
