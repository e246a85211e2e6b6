"""Derives from pending statements the questions whether the rows that are there refuse them.

Each question reads only. It is asked of the database as it is before the first statement, so where
an earlier one changes what it is about, the answer is not sure and the question says so.

An exclusion constraint leads to a question without a text: each row would have to be held against
each other one, which no server does within seconds without the index that is not there yet. Not
asked about: constraints of domains, bounds of partitions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.migrations.asking import Asked, constraint_of, place_of, primary_key, source_of
from rollout.migrations.beforehand import Beforehand
from rollout.migrations.change import Scene
from rollout.migrations.effects import keeps_not_null
from rollout.migrations.names import bare, qualified, relation, strings
from rollout.migrations.questions import (
    Keys,
    count_duplicates,
    key_of_duplicate,
    orphaned,
    quoted,
    work_out,
)
from rollout.migrations.recasts import recasts
from rollout.migrations.sql import ABSENT, Node, deparse, pieces_of
from rollout.migrations.types import is_serial, read_type, type_of
from rollout.model.precheck import Precheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rollout.migrations.change import Change, Judged
    from rollout.model.catalog import Catalog

CODES = ("data-may-refuse", "data-refuses", "precheck-timeout")
"""The names of the findings that come of the answers."""

_NULL, _UNIQUE, _CHECK, _FOREIGN = "23502", "23505", "23514", "23503"
_EXCLUDED = "23P01"
# What a table is called in a question where a row of another one refers to it.
_REFERENCED = quoted("the referenced")


def prechecks(judged: Iterable[Judged], catalog: Catalog) -> tuple[Precheck, ...]:
    """Return what has to be asked of the rows before pending statements are applied.

    Args:
        judged: The statements of all pending migrations, in the order in which they run.
        catalog: The tables that are there before the first one.

    Returns:
        The questions in the statements' order; none for a table that they make and leave empty, and
        none where the catalog tells the answer.
    """
    found: list[Precheck] = []
    before = Beforehand()
    for one in judged:
        named = _relation(one)
        for change in one.changes:
            look = _LOOKS.get(change.kind)
            if look and _is_there(change, catalog, before):
                found.extend(look(Asked(one, change, before, named, catalog)))
            before = before.after(change, one)
        # A statement's own says what it leaves behind.
        catalog = one.catalog
    return tuple(found)


def _is_there(change: Change, catalog: Catalog, before: Beforehand) -> bool:
    """Return whether rows can be in the way: a table that is not there fails for itself."""
    if before.is_empty(change.table):
        return False
    known = change.table in catalog.tables
    return known or change.table in before.made or change.table in before.moved


def _relation(judged: Judged) -> Node:
    pieces = pieces_of(judged.statement.text)
    return pieces[0].tree.one("relation") if pieces else ABSENT


def _set_not_null(asked: Asked) -> Iterator[Precheck]:
    change = asked.change
    if keeps_not_null(change, Scene(asked.catalog)):
        return
    column, offenders = change.column, f"without a value in {change.column}"
    recast = (asked.table, column) in asked.before.recast
    why = asked.obstacle() if recast else asked.obstacle(columns=(column,))
    if why:
        yield asked.unasked(offenders, _NULL, why)
    else:
        yield asked.rows(offenders, _NULL, f"{quoted(column)} IS NULL", asked.source())


def _add_constraint(asked: Asked) -> Iterator[Precheck]:
    node = asked.change.added
    name = node.text("conname")
    there = asked.known is not None and name and asked.known.constraint(name) is not None
    if not there and not node.flag("skip_validation"):
        yield from _constraint(asked, node)


def _validate(asked: Asked) -> Iterator[Precheck]:
    name = asked.change.node.text("name")
    pending = asked.before.unchecked.get((asked.table, name))
    known = asked.known.constraint(name) if asked.known else None
    if pending is not None:
        yield from _constraint(asked, pending)
    elif known is not None and not known.validated:
        yield from _constraint(asked, constraint_of(known.definition))


def _constraint(asked: Asked, node: Node) -> Iterable[Precheck]:
    """Return what a constraint asks of all rows."""
    kind = node.text("contype")
    if kind == "CONSTR_CHECK":
        return (_check(asked, node),)
    if kind == "CONSTR_FOREIGN":
        return (_foreign_key(asked, node),)
    if kind == "CONSTR_NOTNULL":
        return _required(asked, strings(node.many("keys")))
    if kind in {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        return _unique(asked, node)
    return (_exclusion(asked, node),) if kind == "CONSTR_EXCLUSION" else ()


def _exclusion(asked: Asked, node: Node) -> Precheck:
    name = node.text("conname")
    offenders = f"that exclude each other by {name or 'the constraint'}"
    return asked.unasked(offenders, _EXCLUDED, "it takes the index that is not there yet")


def _check(asked: Asked, node: Node) -> Precheck:
    expression, name = node.one("raw_expr"), node.text("conname")
    offenders = f"that break {f'the check {name}' if name else 'the check'}"
    text = deparse(expression)
    why = asked.obstacle((expression,)) or ("" if text else "its text cannot be repeated")
    if why:
        return asked.unasked(offenders, _CHECK, why)
    source = asked.source(only=node.flag("is_no_inherit"))
    # `IS FALSE` and not `NOT`: the server may take that apart, and evaluate the parts in any order.
    return asked.rows(offenders, _CHECK, f"({text}) IS FALSE", source)


def _required(asked: Asked, columns: Iterable[str]) -> Iterator[Precheck]:
    """Yield questions about NULLs in columns that have to have a value from now on."""
    for column in columns:
        found = asked.known.column(column) if asked.known else None
        if found is not None and found.not_null:
            continue
        offenders, why = f"without a value in {column}", asked.obstacle(columns=(column,))
        if why:
            yield asked.unasked(offenders, _NULL, why)
        else:
            condition = f"{quoted(column)} IS NULL"
            yield asked.rows(offenders, _NULL, condition, asked.source(own=True))


def _unique(asked: Asked, node: Node) -> Iterator[Precheck]:
    primary = node.text("contype") == "CONSTR_PRIMARY"
    index = node.text("indexname")
    if index:
        if primary:
            yield from _of_index(asked, index)
        return
    columns = strings(node.many("keys"))
    if primary:
        yield from _required(asked, columns)
    keys = Keys(
        tuple(quoted(column) for column in columns),
        nulls_distinct=not node.flag("nulls_not_distinct"),
    )
    yield _duplicates(asked, keys, asked.obstacle(columns=columns))


def _of_index(asked: Asked, index: str) -> Iterable[Precheck]:
    """Return what a primary key of an index asks: that it is unique was seen when it was built."""
    schema = asked.table.rpartition(".")[0]
    columns = asked.before.indexes.get(qualified((schema, index)))
    if columns is None:
        why = f"the columns of {index} are not known"
        return (asked.unasked(f"without a value in a column of {index}", _NULL, why),)
    return _required(asked, columns)


def _create_index(asked: Asked) -> Iterator[Precheck]:
    node = asked.change.node
    schema, name = asked.table.rpartition(".")[0], node.text("idxname")
    if not node.flag("unique") or (name and asked.catalog.owner(qualified((schema, name)))):
        return
    parts, condition = node.many("index_params"), node.one("where_clause")
    values = tuple(_indexed(part) for part in parts)
    keys = Keys(values, deparse(condition), nulls_distinct=not node.flag("nulls_not_distinct"))
    columns = tuple(one.text("name") for one in parts if one.text("name"))
    expressions = (condition, *(one.one("expr") for one in parts))
    repeated = all(values) and bool(keys.condition or not condition)
    why = asked.obstacle(expressions, columns)
    yield _duplicates(asked, keys, why or ("" if repeated else "its text cannot be repeated"))


def _indexed(part: Node) -> str:
    """Return what an index holds, as SQL; empty when it cannot be repeated."""
    expression = part.one("expr")
    value = deparse(expression) if expression else quoted(part.text("name"))
    collation = part.many("collation")
    return f"({value}) COLLATE {quoted(*strings(collation))}" if value and collation else value


def _duplicates(asked: Asked, keys: Keys, why: str) -> Precheck:
    told = ", ".join(keys.values)
    if why:
        return asked.unasked(f"with the same {told}", _UNIQUE, why)
    source = asked.source(own=True)
    return Precheck(
        asked.judged.statement,
        f"of {told} that several rows of {asked.shown} have",
        _UNIQUE,
        count_duplicates(source, keys),
        counts="values",
        example=key_of_duplicate(source, keys, asked.key),
        key=asked.key,
        doubt=asked.before.doubt((asked.table,)),
        reads=(place_of(asked.relation),),
    )


def _foreign_key(asked: Asked, node: Node, columns: tuple[str, ...] = ()) -> Precheck:
    target = node.one("pktable")
    other = relation(target)
    known = asked.catalog.tables.get(other)
    columns = columns or strings(node.many("fk_attrs"))
    referenced = strings(node.many("pk_attrs")) or primary_key(known)
    offenders = f"whose {', '.join(columns)} {bare(other)} does not have"
    empty = asked.before.is_empty(other)
    why = asked.obstacle(columns=columns)
    if not why and not empty:
        why = asked.before.obstacle(other, referenced)
        if len(referenced) != len(columns):
            why = why or f"the key of {bare(other)} is not known"
    if why:
        return asked.unasked(offenders, _FOREIGN, why)
    source = asked.source(own=True)
    parent = None if empty else source_of(target, asked, own=True, alias=_REFERENCED)
    condition = orphaned(
        tuple(f"{source.alias}.{quoted(column)}" for column in columns),
        parent,
        tuple(quoted(column) for column in referenced),
        full=node.text("fk_matchtype") == "f",
    )
    found = asked.rows(offenders, _FOREIGN, condition, source)
    if parent is None:
        return found
    doubt = asked.before.doubt((asked.table, other))
    return replace(found, reads=(place_of(asked.relation), place_of(target)), doubt=doubt)


def _add_column(asked: Asked) -> Iterator[Precheck]:
    change, constraints = asked.change, asked.change.constraints()
    column, kind = change.column, type_of(change.node.one("def").one("type_name"))
    if asked.known is not None and asked.known.column(column) is not None:
        return
    asked = replace(asked, before=asked.before.after(change, asked.judged))
    default, generated = constraints.get("CONSTR_DEFAULT"), "CONSTR_GENERATED" in constraints
    counted = "CONSTR_IDENTITY" in constraints or is_serial(change.node.one("def").one("type_name"))
    empty = not counted and not generated and _is_null(default)
    if (empty or generated) and {"CONSTR_NOTNULL", "CONSTR_PRIMARY"} & constraints.keys():
        offenders = f"that would have no value in {column}"
        yield asked.rows(offenders, _NULL, f"{quoted(column)} IS NULL", asked.source())
    if generated or kind.base in asked.catalog.domains:
        yield _worked_out(asked, f"that can have no {column}", quoted(column))
    for node in change.node.one("def").many("constraints"):
        yield from _inline(asked, node, empty=empty or counted)


def _inline(asked: Asked, node: Node, *, empty: bool) -> Iterator[Precheck]:
    """Yield what a constraint within `ADD COLUMN` asks; a column of NULLs keeps almost all."""
    kind, column = node.text("contype"), asked.change.column
    if kind == "CONSTR_CHECK":
        yield _check(asked, node)
    elif kind == "CONSTR_FOREIGN" and not empty:
        yield _foreign_key(asked, node, (column,))
    elif kind in {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        distinct = not node.flag("nulls_not_distinct")
        if not (empty and distinct):
            yield _duplicates(asked, Keys((quoted(column),), nulls_distinct=distinct), "")


def _is_null(default: Node | None) -> bool:
    return default is None or default.one("raw_expr").flag("isnull")


def _alter_type(asked: Asked) -> Iterator[Precheck]:
    change, definition = asked.change, asked.change.node.one("def")
    using, column = definition.one("raw_default"), change.column
    found = asked.known.column(column) if asked.known else None
    old = read_type(found.type) if found else None
    required = found is not None and found.not_null
    why = asked.obstacle((using,), (column,))
    for way in recasts(column, old, definition.one("type_name"), using, not_null=required):
        if why or not (way.condition or way.expression):
            told = why or "nothing tells such rows from others"
            yield asked.unasked(way.offenders, way.sqlstate, told)
        elif way.condition:
            yield asked.rows(way.offenders, way.sqlstate, way.condition, asked.source())
        else:
            yield _worked_out(asked, way.offenders, way.expression)


def _worked_out(asked: Asked, offenders: str, expression: str) -> Precheck:
    """Return a question that fails as the statement would."""
    found = asked.rows(offenders, "", "", asked.source())
    question = work_out(asked.source(), expression)
    return replace(found, question=question, counts="nothing", example="")


_LOOKS: Mapping[str, Callable[[Asked], Iterable[Precheck]]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AlterColumnType": _alter_type,
    "AT_SetNotNull": _set_not_null,
    "AT_ValidateConstraint": _validate,
    "IndexStmt": _create_index,
}
