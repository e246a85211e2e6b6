"""What a statement changes, one thing at a time: an `ALTER TABLE` with three parts is three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.names import listed, qualified, relation
from rollout.migrations.sql import Node
from rollout.model.catalog import Catalog, ConstraintKind
from rollout.model.statement import Compatibility, Effect, Outlook, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.migrations.sql import Parsed

NOT_JUDGED = Outlook(Compatibility.UNKNOWN, "it was not judged")
"""What is known of a change before it is judged."""
TABLE_TYPES = {"OBJECT_TABLE", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"}
CONSTRAINT_KINDS: dict[str, ConstraintKind] = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_NOTNULL": "not null",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_EXCLUSION": "exclusion",
}
PARTS_OF_TABLES = {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"}
"""What bears the name of its table before its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a statement changes.

    Attributes:
        kind: The part of `ALTER TABLE`, such as `AT_AddColumn`; else the statement's own kind.
        node: Its part of the parse tree.
        table: The table that it is about, as `schema.name`; empty when it is about none.
        name: What a `DROP` drops: as `schema.name`, or its own name where it is a table's part.
        is_new: Whether that table is made by the same migrations, so that nobody uses it yet.
        effects: What it does to tables that were there before, each of them once.
        outlook: What the code that serves now can expect.
    """

    kind: str
    node: Node
    table: str
    name: str = ""
    is_new: bool = False
    effects: tuple[Effect, ...] = ()
    outlook: Outlook = NOT_JUDGED

    @property
    def column(self) -> str:
        """Return the column that it is about; empty when it is about none."""
        if self.kind == "AT_AddColumn":
            return self.node.one("def").text("colname")
        if self.kind == "RenameStmt":
            return self.node.text("subname")
        return self.node.text("name") if self.kind.startswith("AT_") else ""

    @property
    def added(self) -> Node:
        """Return the constraint that it adds to a table."""
        return self.node.one("def")

    def constraints(self) -> dict[str, Node]:
        """Return the constraints of a column that it adds, by their kinds."""
        return {one.text("contype"): one for one in self.node.one("def").many("constraints")}


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement, and what it does.

    Attributes:
        statement: The statement.
        changes: What it changes, in its order; never empty.
        catalog: The tables as it leaves them, for the next statement.
    """

    statement: Statement
    changes: tuple[Change, ...]
    catalog: Catalog

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Return what it does to each table, the strongest lock first."""
        merged = merge(effect for change in self.changes for effect in change.effects)
        return tuple(sorted(merged, key=lambda one: -one.lock))

    @property
    def compatibility(self) -> Compatibility:
        """Return the worst of what its changes mean for the code that serves now."""
        return max((one.outlook.compatibility for one in self.changes), key=lambda one: one.weight)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is there when it is a statement's turn.

    Attributes:
        catalog: The tables that were there before, as the statements before it leave them.
        created: The tables that the same migrations make, as `schema.name`.
    """

    catalog: Catalog
    created: frozenset[str] = frozenset()


def changes_of(parsed: Parsed) -> tuple[Change, ...]:
    """Return what a statement changes; it is not judged yet."""
    tree = parsed.tree
    if tree.kind == "AlterTableStmt" and tree.text("objtype") in TABLE_TYPES:
        table = relation(tree.one("relation"))
        return tuple(Change(one.text("subtype"), one, table) for one in tree.many("cmds"))
    if tree.kind == "TruncateStmt":
        return tuple(Change(tree.kind, tree, relation(one)) for one in tree.many("relations"))
    if tree.kind == "DropStmt":
        return tuple(_dropped(tree, listed(one)) for one in tree.many("objects"))
    return (Change(tree.kind, tree, _subject(tree)),)


def merge(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Return effects with each table once: its strongest lock, and its dearest work."""
    merged: dict[str, Effect] = {}
    for effect in effects:
        known = merged.get(effect.table, effect)
        work = max(known.work, effect.work, key=lambda one: one.weight)
        merged[effect.table] = Effect(effect.table, max(known.lock, effect.lock), work)
    return tuple(merged.values())


def _dropped(tree: Node, name: tuple[str, ...]) -> Change:
    """Return what a `DROP` drops: of a trigger, a policy and a rule the name follows the table."""
    what = tree.text("remove_type")
    if what in PARTS_OF_TABLES:
        return Change(tree.kind, tree, qualified(name[:-1]), name[-1])
    full = name[0] if what == "OBJECT_SCHEMA" else qualified(name)
    return Change(tree.kind, tree, full if what in TABLE_TYPES else "", full)


def _subject(tree: Node) -> str:
    if tree.kind == "CreateTableAsStmt":
        return relation(tree.one("into").one("rel"))
    if tree.kind == "ViewStmt":
        return relation(tree.one("view"))
    if tree.kind in {"CreatePolicyStmt", "AlterPolicyStmt"}:
        return relation(tree.one("table"))
    return relation(tree.one("relation"))
