"""A file begins or ends a transaction itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from rollout.migrations.change import Change


def _look(change: Change, _: Around) -> Told | None:
    if change.kind != "TransactionStmt":
        return None
    return Told(
        "what stands before it is kept even if what follows fails",
        "Take BEGIN, COMMIT and ROLLBACK out, and cut the file in two where they stood: each file "
        "is one transaction anyway.",
    )


RULE = Rule("transaction-control-in-file", _look)
