"""A change to a table that is there, and how its rows are asked about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.beforehand import Beforehand
from rollout.migrations.change import Change, Judged
from rollout.migrations.names import DEFAULT_SCHEMA, bare, relation, strings
from rollout.migrations.questions import Source, count_rows, key_of_row, quoted
from rollout.migrations.sql import ABSENT, Node, pieces_of
from rollout.model.catalog import Catalog
from rollout.model.precheck import Precheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.model.catalog import Table


@dataclass(frozen=True, slots=True)
class Asked:
    """A change to a table that is there, about whose rows something is asked.

    Attributes:
        judged: Its statement.
        change: The change.
        before: What was done before it.
        relation: The table as the statement names it.
        catalog: The tables that are there before the statement.
    """

    judged: Judged
    change: Change
    before: Beforehand
    relation: Node
    catalog: Catalog

    @property
    def table(self) -> str:
        """Return the table as `schema.name`."""
        return self.change.table

    @property
    def shown(self) -> str:
        """Return the table for people."""
        return bare(self.table)

    @property
    def known(self) -> Table | None:
        """Return what the catalog says of the table; None when it is not there yet."""
        return self.catalog.tables.get(self.table)

    def source(self, *, own: bool = False, only: bool = False) -> Source:
        """Return the rows: `own` ones are those of the table, also where it has heirs."""
        only = only or not self.relation.flag("inh")
        return source_of(self.relation, self, own=own, only=only)

    @property
    def key(self) -> tuple[str, ...]:
        """Return the columns of the primary key, as SQL; empty when there is none."""
        return tuple(quoted(column) for column in primary_key(self.known))

    def rows(self, offenders: str, sqlstate: str, condition: str, source: Source) -> Precheck:
        """Return a question about rows that meet a condition."""
        return Precheck(
            self.judged.statement,
            f"of {self.shown} {offenders}",
            sqlstate,
            count_rows(source, condition),
            example=key_of_row(source, condition, self.key),
            key=self.key,
            doubt=self.before.doubt((self.table,)),
            reads=(place_of(self.relation),),
        )

    def obstacle(self, nodes: Iterable[Node] = (), columns: Iterable[str] = ()) -> str:
        """Return why nothing can be asked about columns and expressions; empty when it can."""
        named = (*columns, *(name for node in nodes for name in _columns_in(node)))
        return self.before.obstacle(self.table, named)

    def unasked(self, offenders: str, sqlstate: str, why: str) -> Precheck:
        """Return a question that cannot be asked."""
        told = f"of {self.shown} {offenders}"
        return Precheck(self.judged.statement, told, sqlstate, "", doubt=why)


def source_of(
    named: Node, asked: Asked, *, own: bool = False, only: bool = False, alias: str = ""
) -> Source:
    """Return the rows of a table that a statement names.

    Args:
        named: The `RangeVar`.
        asked: The change that it is about.
        own: Whether rows of heirs are left out, though not those of partitions.
        only: Whether both are left out.
        alias: What it is called in the question, as SQL; empty means by its own name.
    """
    name = relation(named)
    known = asked.catalog.tables.get(name)
    has_heirs = known is not None and bool(known.parts)
    relname = named.text("relname")
    return Source(
        quoted(named.text("schemaname"), relname),
        alias or quoted(relname),
        asked.before.added.get(name, ()),
        only=only,
        own=own and has_heirs and not only,
    )


def place_of(named: Node) -> tuple[str, str]:
    """Return the schema and the name of a `RangeVar`."""
    return named.text("schemaname") or DEFAULT_SCHEMA, named.text("relname")


def primary_key(table: Table | None) -> tuple[str, ...]:
    """Return the columns of a table's primary key; empty when there is none."""
    constraints = table.constraints if table else ()
    found = (one.definition for one in constraints if one.kind == "primary key")
    return strings(constraint_of(next(found, "")).many("keys"))


def constraint_of(text: str) -> Node:
    """Return a constraint that the server has written as a parse tree; absent when it is none."""
    piece = next(iter(pieces_of(f"ALTER TABLE t ADD {text}")))
    return next((one.one("def") for one in piece.tree.many("cmds")), ABSENT)


def _columns_in(node: Node) -> Iterator[str]:
    """Yield the columns that an expression names, however they are qualified."""
    for one in node.walk():
        if one.kind == "ColumnRef":
            yield ("", *strings(one.many("fields")))[-1]
