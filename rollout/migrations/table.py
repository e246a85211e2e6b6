"""What people read of pending migrations: each statement as a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.cost import INSTANT, estimate
from rollout.migrations.names import bare
from rollout.migrations.trace_table import NOTHING, TRACED, told_of
from rollout.model.statement import Lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.migrations.change import Judged
    from rollout.model.dry_run import Traced
    from rollout.model.finding import Finding

_TEXT_CHARACTERS = 160
"""How much of a statement is shown."""


def table_rows(
    statements: Iterable[tuple[Judged, tuple[Finding, ...]]],
    others: Iterable[Finding],
    traced: Iterable[Traced] = (),
) -> list[dict[str, str]]:
    """Return the rows of the table, the statements in their order.

    Args:
        statements: Each statement with what the rules say of it.
        others: What is to be shown and is about no single statement; it comes first.
        traced: What a dry run saw; empty where there was none.
    """
    statements = tuple(statements)
    seen = told_of(traced, (one for one, _ in statements))
    columns = ("lock", *TRACED) if seen else ("lock",)
    return [
        *(_row(one.where, "", dict.fromkeys(columns, ""), "", "", (one,)) for one in others),
        *(
            _row(
                one.statement.where,
                _shortened(one.statement.text),
                dict(zip(columns, (_locks(one), *seen.get(one.statement, NOTHING)), strict=False)),
                _costs(one),
                one.compatibility.value,
                said,
            )
            for one, said in statements
        ),
    ]


def _row(
    place: str,
    statement: str,
    locks: dict[str, str],
    cost: str,
    compatibility: str,
    findings: tuple[Finding, ...],
) -> dict[str, str]:
    return {
        "place": place,
        "statement": statement,
        **locks,
        "estimated cost": cost,
        "compatibility": compatibility,
        "finding": "; ".join(f"{one.rule}: {one.consequence}" for one in findings),
        "help": " ".join(one.help for one in findings),
    }


def _locks(one: Judged) -> str:
    told = (
        f"{effect.lock.title} on {bare(effect.table)}: {effect.lock.blocks} wait"
        if effect.lock.blocks != "nothing"
        else f"{effect.lock.title} on {bare(effect.table)}"
        for effect in one.effects
        if effect.lock >= Lock.ROW_EXCLUSIVE
    )
    return "; ".join(told) or "none"


def _costs(one: Judged) -> str:
    told = [
        f"{effect.work} of {bare(effect.table)}: {estimate(effect, one.catalog)}"
        for effect in one.effects
        if effect.work.grows
    ]
    return "; ".join(told) or INSTANT


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_CHARACTERS else f"{line[: _TEXT_CHARACTERS - 1]}…"
