"""Reads names out of parse trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.migrations.sql import Node

DEFAULT_SCHEMA = "public"
"""Where a name without a schema lies: Drizzle writes none for this one."""


def qualified(parts: Iterable[str]) -> str:
    """Return a name as `schema.name`.

    Args:
        parts: The name's parts, of which the schema may be missing.

    Example:
        >>> qualified(["note"]), qualified(["app", "note"])
        ('public.note', 'app.note')
    """
    known = [part for part in parts if part]
    if not known:
        return ""
    return ".".join(known[-2:]) if len(known) > 1 else f"{DEFAULT_SCHEMA}.{known[0]}"


def relation(node: Node) -> str:
    """Return a `RangeVar` as `schema.name`; an empty text when there is none."""
    return qualified((node.text("schemaname"), node.text("relname")))


def strings(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return a list of `String` nodes as texts."""
    return tuple(node.text("sval") for node in nodes)


def listed(node: Node) -> tuple[str, ...]:
    """Return the parts of a name that is a `List` of strings, one string, or a type's name."""
    if node.kind == "String":
        return (node.text("sval"),)
    return strings(node.many("items") or node.many("names"))


def bare(table: str) -> str:
    """Return a `schema.name` as a migration would write it, without the default schema."""
    return table.removeprefix(f"{DEFAULT_SCHEMA}.")
