"""What pending statements do to rows and names before it is another statement's turn.

A question can only be asked of the database as it is now. What is kept here says for which tables
and columns the answer would be about something else by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollout.migrations.names import qualified, relation
from rollout.migrations.questions import quoted, type_sql
from rollout.migrations.sql import ABSENT, Node, deparse
from rollout.migrations.types import is_serial
from rollout.model.statement import Compatibility

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rollout.migrations.change import Change, Judged

_WRITES = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"}
_TABLES = {"OBJECT_TABLE", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"}


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What earlier pending statements did; a place is a statement's, for people.

    Attributes:
        made: Tables that they make, as `schema.name`.
        written: Tables whose rows they change, with the place of the last one.
        unsure: The place of a statement that cannot be looked into; empty when there is none.
        moved: Tables that have another name or schema by then, with the place.
        altered: Columns, as table and name, that are others by then, with the place.
        recast: Those of them that only have another type: what is NULL is NULL still.
        added: By table, the columns that they add: name and value, both as SQL.
        unchecked: Constraints that they add without looking at the rows, as table and name.
        indexes: The columns of unique indexes that they make, by `schema.name` of the index.
    """

    made: frozenset[str] = frozenset()
    written: Mapping[str, str] = field(default_factory=dict[str, str])
    unsure: str = ""
    moved: Mapping[str, str] = field(default_factory=dict[str, str])
    altered: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    recast: frozenset[tuple[str, str]] = frozenset()
    added: Mapping[str, tuple[tuple[str, str], ...]] = field(
        default_factory=dict[str, tuple[tuple[str, str], ...]]
    )
    unchecked: Mapping[tuple[str, str], Node] = field(default_factory=dict[tuple[str, str], Node])
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def after(self, change: Change, judged: Judged) -> Beforehand:
        """Return what was done when a change has been made, too.

        Args:
            change: The change.
            judged: Its statement.
        """
        place = judged.statement.where
        step = _STEPS.get(change.kind)
        then = step(change, judged, self) if step else self
        written = tuple(_written(change, judged))
        if written:
            then = replace(then, written={**then.written, **dict.fromkeys(written, place)})
        if change.outlook.compatibility is Compatibility.UNKNOWN or _leads_elsewhere(change):
            filled = dict.fromkeys(then.made, place)
            then = replace(then, unsure=place, written={**then.written, **filled})
        return then

    def is_empty(self, table: str) -> bool:
        """Return whether a table is made by the same migrations and nothing was put into it."""
        return table in self.made and table not in self.written

    def doubt(self, tables: Iterable[str]) -> str:
        """Return what makes an answer about the rows of tables unsure; empty when nothing does."""
        for table in tables:
            if table in self.written:
                return f"{self.written[table]}, changes rows of it before"
        return f"{self.unsure}, may change it before" if self.unsure else ""

    def obstacle(self, table: str, columns: Iterable[str]) -> str:
        """Return why nothing can be asked about columns of a table; empty when it can."""
        if table in self.made:
            return "the same migrations make the table and fill it"
        if table in self.moved:
            return f"{self.moved[table]}, renames or moves the table before"
        for column in columns:
            place = self.altered.get((table, column))
            if place:
                return f"{place}, changes {column} before"
        return ""


def added_value(change: Change) -> str:
    """Return what rows hold in a column that is added, as SQL; empty when that is unknown."""
    definition, constraints = change.node.one("def"), change.constraints()
    kind = definition.one("type_name")
    if is_serial(kind) or "CONSTR_IDENTITY" in constraints:
        return "row_number() OVER ()"
    given = constraints.get("CONSTR_DEFAULT") or constraints.get("CONSTR_GENERATED") or ABSENT
    value = deparse(given.one("raw_expr")) if given.one("raw_expr") else "NULL"
    shown = type_sql(kind)
    return f"CAST(({value}) AS {shown})" if value and shown else ""


def _written(change: Change, judged: Judged) -> Iterator[str]:
    """Yield the tables whose rows a change changes, and those that refer to them.

    What refers to a row that goes or changes may go or change with it.
    """
    if change.kind == "TruncateStmt":
        yield from _reached(change.table, judged)
    elif change.kind == "CreateTableAsStmt":
        yield change.table
    elif not change.kind.startswith("AT_"):
        for node in change.node.walk():
            if node.kind in {"InsertStmt", "CopyStmt"}:
                yield relation(node.one("relation"))
            elif node.kind in _WRITES:
                yield from _reached(relation(node.one("relation")), judged)
    elif change.kind in {"AT_AttachPartition", "AT_DetachPartition", "AT_AddInherit"}:
        yield change.table


def _reached(table: str, judged: Judged) -> Iterator[str]:
    known = judged.catalog.tables
    reached: list[str] = [table]
    for one in reached:
        found = known.get(one)
        heirs = found.parts if found else ()
        referring = (
            other.name
            for other in known.values()
            if any(key.references == one for key in other.constraints)
        )
        reached += [name for name in (*heirs, *referring) if name not in reached]
    # A partition's rows are its table's rows.
    reached += [one.name for one in known.values() if set(one.parts) & set(reached)]
    return iter(reached)


def _leads_elsewhere(change: Change) -> bool:
    """Return whether names mean other objects from here on."""
    return change.kind == "VariableSetStmt" and change.node.text("name") in {"search_path", "role"}


def _make(change: Change, _: Judged, before: Beforehand) -> Beforehand:
    if not change.is_new:
        return before
    written = {table: place for table, place in before.written.items() if table != change.table}
    return replace(before, made=before.made | {change.table}, written=written)


def _add_column(change: Change, judged: Judged, before: Beforehand) -> Beforehand:
    known = judged.catalog.tables.get(change.table)
    there = known is not None and known.column(change.column) is not None
    if there and change.node.flag("missing_ok"):
        return before
    value = added_value(change)
    if there or not value:
        return _alter_column(change, judged, before)
    columns = (*before.added.get(change.table, ()), (quoted(change.column), value))
    return replace(before, added={**before.added, change.table: columns})


def _alter_column(change: Change, judged: Judged, before: Beforehand) -> Beforehand:
    name = (change.table, change.column)
    altered = {**before.altered, name: judged.statement.where}
    return replace(before, altered=altered, recast=before.recast - {name})


def _alter_type(change: Change, judged: Judged, before: Beforehand) -> Beforehand:
    then, name = _alter_column(change, judged, before), (change.table, change.column)
    if change.node.one("def").one("raw_default") or name in before.altered.keys() - before.recast:
        return then
    return replace(then, recast=then.recast | {name})


def _add_constraint(change: Change, _: Judged, before: Beforehand) -> Beforehand:
    node = change.added
    if not node.flag("skip_validation"):
        return before
    name = (change.table, node.text("conname"))
    return replace(before, unchecked={**before.unchecked, name: node})


def _create_index(change: Change, _: Judged, before: Beforehand) -> Beforehand:
    schema = change.table.rpartition(".")[0]
    name = qualified((schema, change.node.text("idxname")))
    columns = tuple(one.text("name") for one in change.node.many("index_params"))
    return replace(before, indexes={**before.indexes, name: columns})


def _rename(change: Change, judged: Judged, before: Beforehand) -> Beforehand:
    node, place = change.node, judged.statement.where
    what, name = node.text("rename_type"), node.text("newname")
    if what == "OBJECT_COLUMN":
        names = {(change.table, one) for one in (node.text("subname"), name)}
        altered = {**before.altered, **dict.fromkeys(names, place)}
        return replace(before, altered=altered, recast=before.recast - names)
    if what not in _TABLES:
        return before
    return _moved(change, qualified((change.table.rpartition(".")[0], name)), place, before)


def _set_schema(change: Change, judged: Judged, before: Beforehand) -> Beforehand:
    if change.node.text("object_type") not in _TABLES:
        return before
    name = change.table.rpartition(".")[2]
    there = qualified((change.node.text("newschema"), name))
    return _moved(change, there, judged.statement.where, before)


def _moved(change: Change, name: str, place: str, before: Beforehand) -> Beforehand:
    """Return it with a table's new name; what is new and empty is so under the new name, too."""
    if change.table not in before.made:
        moved = {**before.moved, name: place, change.table: place}
        return replace(before, moved=moved)
    place = before.written.get(change.table, "")
    written = {**before.written, name: place} if place else before.written
    return replace(before, made=before.made | {name}, written=written)


_STEPS: Mapping[str, Callable[[Change, Judged, Beforehand], Beforehand]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AlterColumnType": _alter_type,
    "AT_DropColumn": _alter_column,
    "AT_DropExpression": _alter_column,
    "AlterObjectSchemaStmt": _set_schema,
    "CreateStmt": _make,
    "CreateTableAsStmt": _make,
    "IndexStmt": _create_index,
    "RenameStmt": _rename,
}
