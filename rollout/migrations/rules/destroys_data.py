"""Rows are deleted that no rollback brings back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.names import bare, relation
from rollout.migrations.rule import Around, Rule, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.migrations.change import Change


def _look(change: Change, around: Around) -> Told | None:
    known = around.judged.catalog.tables
    tables = [table for table in _emptied(change) if table in known] if not change.is_new else []
    if not tables:
        return None
    narrowed = change.kind == "DeleteStmt" and change.node.one("where_clause")
    which = "the rows that its WHERE finds" if narrowed else "rows"
    return Told(
        f"{which} of {bare(tables[0])} are deleted, and no rollback brings them back",
        "Expand: mark the rows, or copy them into another table, and deploy code that no longer "
        "needs them. Contract, in a later deploy: delete them, accepting this rule by name.",
    )


def _emptied(change: Change) -> Iterator[str]:
    """Yield the tables that lose rows, also to a DELETE inside another statement."""
    if change.kind == "TruncateStmt":
        yield change.table
    for node in change.node.walk():
        if node.kind == "DeleteStmt":
            yield relation(node.one("relation"))
        if node.kind == "MergeWhenClause" and node.text("command_type") == "CMD_DELETE":
            yield change.table


RULE = Rule("destroys-data", _look)
