"""Judges the statements of pending migrations one after the other, on both axes.

A table that the same migrations make is exempt: nobody uses it yet. And what a statement leaves
behind is what the next one finds, so a constraint that was validated first spares the scan later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.migrations.change import CONSTRAINT_KINDS, Change, Judged, Scene, changes_of
from rollout.migrations.compat import outlook_of
from rollout.migrations.effects import effects_of
from rollout.migrations.names import qualified, relation
from rollout.model.catalog import Catalog, Constraint, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rollout.migrations.sql import Node, Parsed


def judge(parsed: Iterable[Parsed], catalog: Catalog) -> tuple[Judged, ...]:
    """Return what each statement does to what is there when it is its turn.

    Args:
        parsed: The statements of all pending migrations, in the order in which they run.
        catalog: The tables that are there before the first one.
    """
    scene = Scene(catalog)
    judged: list[Judged] = []
    for one in parsed:
        found: list[Change] = []
        for change in changes_of(one):
            scene = _with_created(change, scene)
            found.append(
                replace(
                    change,
                    is_new=change.table in scene.created,
                    effects=effects_of(change, scene),
                    outlook=outlook_of(change, _before(change, scene)),
                )
            )
            scene = _after(change, scene)
        judged.append(Judged(one.statement, tuple(found), scene.catalog))
    return tuple(judged)


def _with_created(change: Change, scene: Scene) -> Scene:
    """Return the scene in which a table that is being made is new; one that was there is not."""
    if change.kind not in {"CreateStmt", "CreateTableAsStmt"}:
        return scene
    if change.table in scene.catalog.tables:
        return scene
    return replace(scene, created=scene.created | {change.table})


def _before(change: Change, scene: Scene) -> Scene:
    """Return the scene in which `CREATE TABLE` itself is judged: by what it refers to."""
    if change.kind == "CreateStmt":
        return replace(scene, created=scene.created - {change.table})
    return scene


def _after(change: Change, scene: Scene) -> Scene:
    """Return what a change leaves behind, as far as a later statement is judged by it."""
    step = _STEPS.get(change.kind)
    return step(change, scene) if step else scene


def _with_table(scene: Scene, table: Table) -> Scene:
    catalog = replace(scene.catalog, tables={**scene.catalog.tables, table.name: table})
    return replace(scene, catalog=catalog)


def _add_constraint(change: Change, scene: Scene) -> Scene:
    table, node = scene.catalog.tables.get(change.table), change.added
    kind = CONSTRAINT_KINDS.get(node.text("contype"))
    if table is None or kind is None:
        return scene
    column = _never_null(node.one("raw_expr"))
    added = Constraint(
        node.text("conname"),
        kind,
        f"CHECK (({column} IS NOT NULL))" if column else "",
        validated=not node.flag("skip_validation"),
        references=relation(node.one("pktable")),
    )
    return _with_table(scene, replace(table, constraints=(*table.constraints, added)))


def _never_null(expression: Node) -> str:
    """Return the column of which a check says only that it is not NULL; else an empty text."""
    if expression.text("nulltesttype") != "IS_NOT_NULL":
        return ""
    fields = expression.one("arg").many("fields")
    return fields[-1].text("sval") if fields else ""


def _validate(change: Change, scene: Scene) -> Scene:
    table, name = scene.catalog.tables.get(change.table), change.node.text("name")
    if table is None:
        return scene
    known = tuple(
        replace(one, validated=True) if one.name == name else one for one in table.constraints
    )
    return _with_table(scene, replace(table, constraints=known))


def _set_not_null(change: Change, scene: Scene) -> Scene:
    table = scene.catalog.tables.get(change.table)
    if table is None:
        return scene
    columns = tuple(
        replace(one, not_null=True) if one.name == change.column else one for one in table.columns
    )
    return _with_table(scene, replace(table, columns=columns))


def _create_index(change: Change, scene: Scene) -> Scene:
    table = scene.catalog.tables.get(change.table)
    if table is None:
        return scene
    schema = change.table.rpartition(".")[0]
    name = qualified((schema, change.node.text("idxname")))
    return _with_table(scene, replace(table, indexes=(*table.indexes, name)))


def _rename(change: Change, scene: Scene) -> Scene:
    if change.node.text("rename_type") != "OBJECT_TABLE":
        return scene
    schema = change.table.rpartition(".")[0]
    name = qualified((schema, change.node.text("newname")))
    if change.table in scene.created:
        return replace(scene, created=scene.created - {change.table} | {name})
    table = scene.catalog.tables.get(change.table)
    return _with_table(scene, replace(table, name=name)) if table else scene


_STEPS: Mapping[str, Callable[[Change, Scene], Scene]] = {
    "AT_AddConstraint": _add_constraint,
    "AT_SetNotNull": _set_not_null,
    "AT_ValidateConstraint": _validate,
    "IndexStmt": _create_index,
    "RenameStmt": _rename,
}
