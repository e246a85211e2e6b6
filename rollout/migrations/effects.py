"""Which locks a statement takes on which tables, and what work it does under them.

The table was measured on PostgreSQL 15 (`migrations.md` section 3) and is held against a real
server by `tests/integration/test_statement_locks.py`: where the text cannot tell, it says more.

Source: PostgreSQL 15, `AlterTableGetLockLevel` and 13.3 Explicit Locking.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.migrations.change import CONSTRAINT_KINDS, PARTS_OF_TABLES, Change, Scene, merge
from rollout.migrations.names import listed, qualified, relation, strings
from rollout.migrations.types import conversion, is_serial, read_type, type_of
from rollout.model.statement import Effect, Lock, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rollout.migrations.sql import Node

# What gives each row the same value, so that none has to be written; any other function is taken
# to give each row its own.
STABLE = {
    *("now", "transaction_timestamp", "statement_timestamp", "timezone", "date_trunc", "to_char"),
    *("current_setting", "lower", "upper", "concat", "jsonb_build_object", "json_build_object"),
    *("jsonb_build_array", "json_build_array", "to_jsonb", "make_interval", "make_date", "abs"),
}
# Options of a table that PostgreSQL sets without keeping anybody away.
_MILD_OPTIONS = ("autovacuum_", "toast_tuple_target", "fillfactor", "parallel_workers", "vacuum_")

_SUE, _SRE, _AE = Lock.SHARE_UPDATE_EXCLUSIVE, Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE

# Kinds that always do the same to their one table. `AT_` kinds that are not here take the
# strongest lock and touch no row.
_PLAIN: Mapping[str, tuple[Lock, Work]] = {
    "AT_ClusterOn": (_SUE, Work.NONE),
    "AT_DropCluster": (_SUE, Work.NONE),
    "AT_ResetOptions": (_SUE, Work.NONE),
    "AT_SetOptions": (_SUE, Work.NONE),
    "AT_SetStatistics": (_SUE, Work.NONE),
    "AT_DisableTrig": (_SRE, Work.NONE),
    "AT_DisableTrigAll": (_SRE, Work.NONE),
    "AT_DisableTrigUser": (_SRE, Work.NONE),
    "AT_EnableAlwaysTrig": (_SRE, Work.NONE),
    "AT_EnableReplicaTrig": (_SRE, Work.NONE),
    "AT_EnableTrig": (_SRE, Work.NONE),
    "AT_EnableTrigAll": (_SRE, Work.NONE),
    "AT_EnableTrigUser": (_SRE, Work.NONE),
    "AT_SetAccessMethod": (_AE, Work.REWRITE),
    "AT_SetExpression": (_AE, Work.REWRITE),
    "AT_SetLogged": (_AE, Work.REWRITE),
    "AT_SetTableSpace": (_AE, Work.REWRITE),
    "AT_SetUnLogged": (_AE, Work.REWRITE),
    "AlterPolicyStmt": (_AE, Work.NONE),
    "ClusterStmt": (_AE, Work.REWRITE),
    "CopyStmt": (Lock.ROW_EXCLUSIVE, Work.NONE),
    "CreatePolicyStmt": (_AE, Work.NONE),
    "CreateTrigStmt": (_SRE, Work.NONE),
    "RuleStmt": (_AE, Work.NONE),
}
# These are about the table alone.
_NOT_FOR_PARTS = {"AT_AddInherit", "AT_AttachPartition", "AT_DetachPartition", "CreateStmt"}
# A statement may hold several of these: a common table expression can write, too.
_WRITES: Mapping[str, Work] = {
    "DeleteStmt": Work.ROWS,
    "InsertStmt": Work.NONE,
    "MergeStmt": Work.ROWS,
    "UpdateStmt": Work.ROWS,
}


def effects_of(change: Change, scene: Scene) -> tuple[Effect, ...]:
    """Return what a change does to tables that were there before.

    Args:
        change: The change.
        scene: What is there when it is its turn.

    Returns:
        Each table once; none when it touches no such table, or cannot be looked into.
    """
    found = tuple(_SPECIAL.get(change.kind, _plain)(change, scene))
    reached = found if change.kind in _NOT_FOR_PARTS else (*found, *_of_parts(found, scene))
    return merge(one for one in reached if one.table and one.table not in scene.created)


def gives_each_row_its_own(expression: Node) -> bool:
    """Return whether a default has to be worked out row by row."""
    calls = (one for one in expression.walk() if one.kind == "FuncCall")
    return any(strings(call.many("funcname"))[-1] not in STABLE for call in calls)


def keeps_not_null(change: Change, scene: Scene) -> bool:
    """Return whether it is known already that a column of each row has a value."""
    table = scene.catalog.tables.get(change.table)
    if table is None:
        return False
    column = table.column(change.column)
    if column is not None and column.not_null:
        return True
    name = change.column
    told = {f"CHECK (({one} IS NOT NULL))" for one in (name, f'"{name}"')}
    return any(one.validated and one.definition in told for one in table.constraints)


def is_cast(using: Node, base: str, column: str) -> bool:
    """Return whether a `USING` says no more of a column than its new type does."""
    if using.kind == "TypeCast":
        using = using.one("arg") if type_of(using.one("type_name")).base == base else using
    return not using or strings(using.many("fields"))[-1:] == (column,)


def _of_parts(effects: Iterable[Effect], scene: Scene) -> Iterator[Effect]:
    """Yield what is done to partitions and heirs: what is done to their table."""
    for effect in effects:
        table = scene.catalog.tables.get(effect.table)
        for part in table.parts if table else ():
            yield replace(effect, table=part)


def _plain(change: Change, _: Scene) -> Iterable[Effect]:
    fallback = (_AE, Work.NONE) if change.kind.startswith("AT_") else (Lock.NONE, Work.NONE)
    lock, work = _PLAIN.get(change.kind, fallback)
    return (Effect(change.table, lock, work),) if lock else ()


def _add_column(change: Change, scene: Scene) -> Iterator[Effect]:
    column, constraints = change.node.one("def"), change.constraints()
    yield Effect(change.table, _AE, _column_work(column, constraints, scene))
    reference = constraints.get("CONSTR_FOREIGN")
    if reference:
        work = Work.SCAN if "CONSTR_DEFAULT" in constraints else Work.NONE
        yield Effect(change.table, _AE, work)
        yield Effect(relation(reference.one("pktable")), _SRE, work)


def _column_work(column: Node, constraints: Mapping[str, Node], scene: Scene) -> Work:
    default, generated = constraints.get("CONSTR_DEFAULT"), constraints.get("CONSTR_GENERATED")
    kind = column.one("type_name")
    if (
        is_serial(kind)
        or "CONSTR_IDENTITY" in constraints
        or (generated and generated.text("generated_kind") != "v")
        or (default and gives_each_row_its_own(default.one("raw_expr")))
        or type_of(kind).base in scene.catalog.domains
    ):
        return Work.REWRITE
    if {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} & constraints.keys():
        return Work.INDEX_BUILD
    return Work.SCAN if "CONSTR_CHECK" in constraints else Work.NONE


def _add_constraint(change: Change, _: Scene) -> Iterator[Effect]:
    constraint = change.added
    kind = CONSTRAINT_KINDS.get(constraint.text("contype"), "check")
    scan = Work.NONE if constraint.flag("skip_validation") else Work.SCAN
    if kind == "foreign key":
        yield Effect(change.table, _SRE, scan)
        yield Effect(relation(constraint.one("pktable")), _SRE, scan)
    elif kind in {"check", "not null"}:
        yield Effect(change.table, _AE, scan)
    elif constraint.text("indexname"):
        # A primary key's columns become NOT NULL, which is looked up unless it is so already.
        yield Effect(change.table, _AE, Work.SCAN if kind == "primary key" else Work.NONE)
    else:
        yield Effect(change.table, _AE, Work.INDEX_BUILD)


def _validate(change: Change, scene: Scene) -> Iterator[Effect]:
    yield Effect(change.table, _SUE, Work.SCAN)
    yield Effect(_referenced(change, scene), Lock.ROW_SHARE)


def _drop_constraint(change: Change, scene: Scene) -> Iterator[Effect]:
    yield Effect(change.table, _AE)
    yield Effect(_referenced(change, scene), _AE)
    yield from _cascade(change, change.table, scene)


def _drop_column(change: Change, scene: Scene) -> Iterator[Effect]:
    yield Effect(change.table, _AE)
    yield from _cascade(change, change.table, scene)


def _referenced(change: Change, scene: Scene) -> str:
    table = scene.catalog.tables.get(change.table)
    known = table.constraint(change.node.text("name")) if table else None
    return known.references if known else ""


def _set_not_null(change: Change, scene: Scene) -> Iterator[Effect]:
    yield Effect(change.table, _AE, Work.NONE if keeps_not_null(change, scene) else Work.SCAN)


def _alter_type(change: Change, scene: Scene) -> Iterator[Effect]:
    column = change.node.one("def")
    table = scene.catalog.tables.get(change.table)
    known = table.column(change.column) if table else None
    new = type_of(column.one("type_name"))
    needed = conversion(read_type(known.type) if known else None, new)
    if needed.rewrites or not is_cast(column.one("raw_default"), new.base, change.column):
        yield Effect(change.table, _AE, Work.REWRITE)
    elif column.one("coll_clause"):
        yield Effect(change.table, _AE, Work.INDEX_BUILD)
    else:
        yield Effect(change.table, _AE)


def _set_options(change: Change, _: Scene) -> Iterator[Effect]:
    names = (one.text("defname") for one in change.node.one("def").many("items"))
    mild = all(name.startswith(_MILD_OPTIONS) for name in names)
    yield Effect(change.table, _SUE if mild else _AE)


def _attach(change: Change, _: Scene) -> Iterator[Effect]:
    yield Effect(change.table, _SUE)
    yield Effect(relation(change.node.one("def").one("name")), _AE, Work.SCAN)


def _detach(change: Change, _: Scene) -> Iterator[Effect]:
    part = change.node.one("def")
    yield Effect(change.table, _SUE if part.flag("concurrent") else _AE)
    yield Effect(relation(part.one("name")), _AE)


def _inherit(change: Change, _: Scene) -> Iterator[Effect]:
    yield Effect(change.table, _AE)
    yield Effect(relation(change.node.one("def")), _SUE)


def _create_table(change: Change, _: Scene) -> Iterator[Effect]:
    parents = _AE if change.node.one("partbound") else _SUE
    for parent in change.node.many("inh_relations"):
        yield Effect(relation(parent), parents)
    for node in change.node.walk():
        if node.kind == "Constraint" and node.one("pktable"):
            yield Effect(relation(node.one("pktable")), _SRE)


def _create_index(change: Change, _: Scene) -> Iterator[Effect]:
    lock = _SUE if change.node.flag("concurrent") else Lock.SHARE
    yield Effect(change.table, lock, Work.INDEX_BUILD)


def _drop(change: Change, scene: Scene) -> Iterator[Effect]:
    tree, tables = change.node, scene.catalog.tables
    what = tree.text("remove_type")
    if what == "OBJECT_INDEX":
        lock = _SUE if tree.flag("concurrent") else _AE
        yield Effect(scene.catalog.owner(change.name), lock)
    gone = {change.table} if change.table else set[str]()
    if what == "OBJECT_SCHEMA":
        gone = {name for name in tables if name.startswith(f"{change.name}.")}
    for name in gone:
        yield Effect(name, _AE)
        if what == "OBJECT_TABLE":
            yield from (Effect(one.name, _AE) for one in tables.values() if name in one.parts)
        if what not in PARTS_OF_TABLES:
            yield from (Effect(one, _AE) for one in _referenced_by(name, scene))
            yield from _cascade(change, name, scene)


def _truncate(change: Change, scene: Scene) -> Iterator[Effect]:
    emptied: list[str] = [change.table]
    for name in emptied:
        yield Effect(name, _AE, Work.NEW_FILE)
        if change.node.text("behavior") == "DROP_CASCADE":
            emptied += (one for one in _referring_to(name, scene) if one not in emptied)


def _cascade(change: Change, table: str, scene: Scene) -> Iterator[Effect]:
    """Yield what a `CASCADE` can reach: foreign keys to the table, and views that keep rows.

    Which views read the table is not known here, so that each may be.
    """
    if change.node.text("behavior") == "DROP_CASCADE":
        yield from (Effect(one, _AE) for one in _referring_to(table, scene))
        yield from (Effect(one.name, _AE) for one in scene.catalog.tables.values() if one.is_view)


def _referenced_by(name: str, scene: Scene) -> tuple[str, ...]:
    table = scene.catalog.tables.get(name)
    return tuple(one.references for one in table.constraints) if table else ()


def _referring_to(name: str, scene: Scene) -> tuple[str, ...]:
    tables = scene.catalog.tables.values()
    return tuple(one.name for one in tables if name in _referenced_by(one.name, scene))


def _rename(change: Change, _: Scene) -> Iterator[Effect]:
    if change.node.text("rename_type") in {
        *("OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER"),
        *("OBJECT_POLICY", "OBJECT_RULE", "OBJECT_MATVIEW"),
    }:
        yield Effect(change.table, _AE)


def _set_schema(change: Change, _: Scene) -> Iterator[Effect]:
    if change.node.text("object_type") in {"OBJECT_TABLE", "OBJECT_MATVIEW"}:
        yield Effect(change.table, _AE)


def _comment(change: Change, _: Scene) -> Iterator[Effect]:
    kind, name = change.node.text("objtype"), listed(change.node.one("object"))
    if kind in {"OBJECT_TABLE", "OBJECT_MATVIEW", "OBJECT_COLUMN"}:
        yield Effect(qualified(name[:-1] if kind == "OBJECT_COLUMN" else name), _SUE)


def _statistics(change: Change, _: Scene) -> Iterator[Effect]:
    for table in change.node.many("relations"):
        yield Effect(relation(table), _SUE)


def _vacuum(change: Change, scene: Scene) -> Iterator[Effect]:
    full = any(one.text("defname") == "full" for one in change.node.many("options"))
    named = [relation(one.one("relation")) for one in change.node.many("rels")]
    for table in named or list(scene.catalog.tables):
        yield Effect(table, _AE if full else _SUE, Work.REWRITE if full else Work.NONE)


def _reindex(change: Change, scene: Scene) -> Iterator[Effect]:
    beside = any(one.text("defname") == "concurrently" for one in change.node.many("params"))
    named = {
        "REINDEX_OBJECT_TABLE": (change.table,),
        "REINDEX_OBJECT_INDEX": (scene.catalog.owner(change.table),),
    }
    for table in named.get(change.node.text("kind"), tuple(scene.catalog.tables)):
        yield Effect(table, _SUE if beside else Lock.SHARE, Work.INDEX_BUILD)


def _refresh(change: Change, _: Scene) -> Iterator[Effect]:
    beside = change.node.flag("concurrent")
    work = Work.SCAN if beside else Work.REWRITE
    yield Effect(change.table, Lock.EXCLUSIVE if beside else _AE, work)


def _writes(change: Change, _: Scene) -> Iterator[Effect]:
    for node in change.node.walk():
        if node.kind in _WRITES:
            yield Effect(relation(node.one("relation")), Lock.ROW_EXCLUSIVE, _WRITES[node.kind])


def _lock(change: Change, _: Scene) -> Iterator[Effect]:
    for table in change.node.many("relations"):
        yield Effect(relation(table), Lock(change.node.number("mode")))


def _domain(change: Change, scene: Scene) -> Iterator[Effect]:
    """Yield every table with such a column: its rows are looked at under a lock."""
    node = change.node
    if node.text("subtype") not in {"C", "O", "V"} or node.one("def").flag("skip_validation"):
        return
    name = strings(node.many("type_name"))[-1]
    for table in scene.catalog.tables.values():
        if any(read_type(column.type).base == name for column in table.columns):
            yield Effect(table.name, Lock.SHARE, Work.SCAN)


def _publication(change: Change, _: Scene) -> Iterator[Effect]:
    for one in change.node.walk():
        if one.kind == "PublicationTable":
            yield Effect(relation(one.one("relation")), _SUE)


_SPECIAL: Mapping[str, Callable[[Change, Scene], Iterable[Effect]]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AddInherit": _inherit,
    "AT_AlterColumnType": _alter_type,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_DropColumn": _drop_column,
    "AT_DropConstraint": _drop_constraint,
    "AT_ResetRelOptions": _set_options,
    "AT_SetNotNull": _set_not_null,
    "AT_SetRelOptions": _set_options,
    "AT_ValidateConstraint": _validate,
    "AlterDomainStmt": _domain,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterPublicationStmt": _publication,
    "CommentStmt": _comment,
    "CreatePublicationStmt": _publication,
    "CreateStatsStmt": _statistics,
    "CreateStmt": _create_table,
    "DropStmt": _drop,
    "IndexStmt": _create_index,
    "LockStmt": _lock,
    "RefreshMatViewStmt": _refresh,
    "ReindexStmt": _reindex,
    "RenameStmt": _rename,
    "TruncateStmt": _truncate,
    "SelectStmt": _writes,
    "VacuumStmt": _vacuum,
    **dict.fromkeys(_WRITES, _writes),
}
