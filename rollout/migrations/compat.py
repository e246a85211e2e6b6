"""What a statement means for the code that serves now, which knows the tables as they were.

Drizzle names every column of its schema in each read and each insert. So a column that goes breaks
all of them, used or not; and a column that the code does not know is never written, so that its
default decides (`migrations.md` section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.change import CONSTRAINT_KINDS, Change, Scene
from rollout.migrations.names import bare
from rollout.migrations.types import conversion, is_serial, read_type, type_of
from rollout.model.statement import Compatibility, Outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ADDITIVE = Outlook(Compatibility.ADDITIVE)
_NEUTRAL = Outlook(Compatibility.NEUTRAL)


def _low(why: str) -> Outlook:
    return Outlook(Compatibility.LOW, why)


def _if(why: str) -> Outlook:
    return Outlook(Compatibility.CONDITIONAL, why)


def _breaks(why: str) -> Outlook:
    return Outlook(Compatibility.BREAKING, why)


_UNKNOWN = Outlook(Compatibility.UNKNOWN, "what it does cannot be told from its text")
_DATA = Outlook(Compatibility.DATA, "it finds other rows than before")
_TRIGGER = _if("its writes do more or less than before")
_POLICY = _if("it may see or write other rows than before")
_REFUSED = _if("a write that was accepted may be refused")
_IDENTITY = _if("an insert that gives the value itself may be refused")
_PRIVILEGES = _if("what its role may do can change")
_REDEFINED = _if("what it calls or reads by that name is another thing")

_BY_KIND: Mapping[str, Outlook] = {
    "AT_AddInherit": _NEUTRAL,
    "AT_AddOf": _NEUTRAL,
    "AT_AlterConstraint": _REFUSED,
    "AT_AttachPartition": _if("it finds more rows, and some writes may be refused"),
    "AT_ChangeOwner": _PRIVILEGES,
    "AT_ClusterOn": _NEUTRAL,
    "AT_DetachPartition": _breaks("it no longer finds the partition's rows"),
    "AT_DisableRowSecurity": _POLICY,
    "AT_DropCluster": _NEUTRAL,
    "AT_DropExpression": _ADDITIVE,
    "AT_DropIdentity": _breaks("each of its inserts into the table fails (SQLSTATE 23502)"),
    "AT_DropInherit": _if("it no longer finds the table's rows through the parent"),
    "AT_DropNotNull": _low("it may read a NULL where it expects none"),
    "AT_DropOf": _NEUTRAL,
    "AT_EnableRowSecurity": _breaks("it sees and writes no row unless a policy allows it"),
    "AT_ForceRowSecurity": _breaks("it sees and writes no row unless a policy allows it"),
    "AT_NoForceRowSecurity": _POLICY,
    "AT_ReplicaIdentity": _NEUTRAL,
    "AT_ResetOptions": _NEUTRAL,
    "AT_ResetRelOptions": _NEUTRAL,
    "AT_SetAccessMethod": _NEUTRAL,
    "AT_SetCompression": _NEUTRAL,
    "AT_SetExpression": _if("it reads other values of the column than before"),
    "AT_SetIdentity": _IDENTITY,
    "AT_SetLogged": _NEUTRAL,
    "AT_SetNotNull": _breaks("a write of it that leaves the column empty fails (SQLSTATE 23502)"),
    "AT_SetOptions": _NEUTRAL,
    "AT_SetRelOptions": _NEUTRAL,
    "AT_SetStatistics": _NEUTRAL,
    "AT_SetStorage": _NEUTRAL,
    "AT_SetTableSpace": _NEUTRAL,
    "AT_SetUnLogged": _NEUTRAL,
    "AT_ValidateConstraint": _NEUTRAL,
    "AlterDomainStmt": _REFUSED,
    "AlterObjectSchemaStmt": _breaks("it no longer finds it in that schema (SQLSTATE 42P01)"),
    "AlterOwnerStmt": _PRIVILEGES,
    "AlterPolicyStmt": _POLICY,
    "AlterSeqStmt": _if("the numbers that it gets can change"),
    "AlterTypeStmt": _REDEFINED,
    "ClusterStmt": _NEUTRAL,
    "CommentStmt": _NEUTRAL,
    "CompositeTypeStmt": _ADDITIVE,
    "CopyStmt": _DATA,
    "CreateDomainStmt": _ADDITIVE,
    "CreateEnumStmt": _ADDITIVE,
    "CreateExtensionStmt": _ADDITIVE,
    "CreatePolicyStmt": _POLICY,
    "CreatePublicationStmt": _NEUTRAL,
    "CreateRangeStmt": _ADDITIVE,
    "CreateSchemaStmt": _ADDITIVE,
    "CreateSeqStmt": _ADDITIVE,
    "CreateStatsStmt": _ADDITIVE,
    "CreateTableAsStmt": _ADDITIVE,
    "CreateTrigStmt": _TRIGGER,
    "DeleteStmt": _DATA,
    "InsertStmt": _DATA,
    "LockStmt": _NEUTRAL,
    "MergeStmt": _DATA,
    "RefreshMatViewStmt": _NEUTRAL,
    "ReindexStmt": _NEUTRAL,
    "RuleStmt": _TRIGGER,
    "TransactionStmt": _NEUTRAL,
    "TruncateStmt": _DATA,
    "UpdateStmt": _DATA,
    "VacuumStmt": _NEUTRAL,
    "VariableSetStmt": _NEUTRAL,
}


def outlook_of(change: Change, scene: Scene) -> Outlook:
    """Return what the code that serves now can expect of a change; unknown unless we know.

    Args:
        change: The change.
        scene: What is there when it is its turn.
    """
    if change.table in scene.created:
        return _ADDITIVE
    special = _SPECIAL.get(change.kind)
    if special is not None:
        return special(change, scene)
    if change.kind.startswith(("AT_Enable", "AT_Disable")):
        return _BY_KIND.get(change.kind, _TRIGGER)
    return _BY_KIND.get(change.kind, _UNKNOWN)


def _add_column(change: Change, _: Scene) -> Outlook:
    column, constraints = change.node.one("def"), change.constraints()
    has_value = {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"} & constraints.keys()
    if is_serial(column.one("type_name")):
        return _if("its role needs the right to use the new sequence (SQLSTATE 42501)")
    if {"CONSTR_NOTNULL", "CONSTR_PRIMARY"} & constraints.keys() and not has_value:
        return _breaks("each of its inserts into the table fails (SQLSTATE 23502)")
    if {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} & constraints.keys() and "CONSTR_DEFAULT" in has_value:
        return _breaks("its second insert with the default fails (SQLSTATE 23505)")
    if {"CONSTR_CHECK", "CONSTR_FOREIGN"} & constraints.keys() and has_value:
        return _if("the default may be refused in each of its inserts")
    return _ADDITIVE


def _column_default(change: Change, scene: Scene) -> Outlook:
    if change.node.one("def"):
        return _NEUTRAL
    table = scene.catalog.tables.get(change.table)
    column = table.column(change.column) if table else None
    if column is None or column.not_null:
        return _breaks("an insert of it that leaves the column out fails (SQLSTATE 23502)")
    return _low("an insert of it that leaves the column out stores NULL")


def _drop_column(change: Change, _: Scene) -> Outlook:
    return _breaks(
        f"each of its reads and inserts of {bare(change.table)} names {change.column} and fails "
        "(SQLSTATE 42703)"
    )


def _set_not_null(change: Change, scene: Scene) -> Outlook:
    table = scene.catalog.tables.get(change.table)
    column = table.column(change.column) if table else None
    return _NEUTRAL if column and column.not_null else _BY_KIND["AT_SetNotNull"]


def _alter_type(change: Change, scene: Scene) -> Outlook:
    table = scene.catalog.tables.get(change.table)
    known = table.column(change.column) if table else None
    new = type_of(change.node.one("def").one("type_name"))
    return conversion(read_type(known.type) if known else None, new).outlook


def _add_constraint(change: Change, _: Scene) -> Outlook:
    kind = CONSTRAINT_KINDS.get(change.added.text("contype"))
    return _if(f"a write that the new {kind or 'constraint'} does not allow is refused")


def _drop_constraint(change: Change, scene: Scene) -> Outlook:
    table = scene.catalog.tables.get(change.table)
    known = table.constraint(change.node.text("name")) if table else None
    if known is not None and known.kind == "foreign key":
        return _low("its deletes no longer reach, or stop at, the rows that point")
    if known is not None and known.kind in {"check", "not null"}:
        return _low("it may read a value that it expects not to be there")
    return _if("its ON CONFLICT on these columns fails (SQLSTATE 42P10)")


def _add_identity(change: Change, _: Scene) -> Outlook:
    return _IDENTITY if change.added.text("generated_when") == "a" else _NEUTRAL


def _create_table(change: Change, _: Scene) -> Outlook:
    """Return additive, but for a foreign key that can stop the old code's deletes."""
    keys = (one for one in change.node.walk() if one.kind == "Constraint" and one.one("pktable"))
    if any(one.text("fk_del_action") in {"a", "r"} for one in keys):
        return _if("its deletes are refused while a row of the new table points to the row")
    return _ADDITIVE


def _create_index(change: Change, _: Scene) -> Outlook:
    if change.node.flag("unique"):
        return _if("a write of a value that is there already is refused (SQLSTATE 23505)")
    return _ADDITIVE


def _rename(change: Change, _: Scene) -> Outlook:
    kind = change.node.text("rename_type")
    if kind in {"OBJECT_INDEX", "OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE"}:
        return _NEUTRAL
    if kind == "OBJECT_TABCONSTRAINT":
        return _low("its ON CONFLICT ON CONSTRAINT no longer finds it")
    if kind in {"OBJECT_TYPE", "OBJECT_ATTRIBUTE", "OBJECT_SEQUENCE", "OBJECT_DOMAIN"}:
        return _if("a query of it that names the old one fails")
    return _breaks(f"it no longer finds {_old_name(change)} by its name (SQLSTATE 42P01 or 42703)")


def _old_name(change: Change) -> str:
    return change.column or bare(change.table) or change.node.text("subname") or "it"


def _drop(change: Change, scene: Scene) -> Outlook:
    kind = change.node.text("remove_type")
    if change.name in scene.created:
        return _ADDITIVE
    if kind == "OBJECT_INDEX":
        return _if(
            "its ON CONFLICT on these columns fails if the index is unique; else it is slower"
        )
    if kind in {"OBJECT_TRIGGER", "OBJECT_RULE"}:
        return _TRIGGER
    return _POLICY if kind == "OBJECT_POLICY" else _breaks(f"{bare(change.name)} is gone")


def _enum(change: Change, _: Scene) -> Outlook:
    if change.node.text("old_val"):
        return _breaks(f"it writes and expects the label '{change.node.text('old_val')}'")
    return _low("it may read a label that it does not know")


def _grant(change: Change, _: Scene) -> Outlook:
    if change.node.flag("is_grant"):
        return _ADDITIVE
    return _breaks("what is taken away may be what its role needs (SQLSTATE 42501)")


def _replaced(change: Change, _: Scene) -> Outlook:
    return _REDEFINED if change.node.flag("replace") else _ADDITIVE


def _select(change: Change, _: Scene) -> Outlook:
    kinds = {node.kind for node in change.node.walk()}
    if kinds & {"DeleteStmt", "InsertStmt", "MergeStmt", "UpdateStmt"}:
        return _DATA
    return _UNKNOWN if "FuncCall" in kinds else _NEUTRAL


def _alter_other(change: Change, _: Scene) -> Outlook:
    """Judge `ALTER` of what is no table: an index, a view, a sequence, a type."""
    return _NEUTRAL if change.node.text("objtype") == "OBJECT_INDEX" else _REDEFINED


_SPECIAL: Mapping[str, Callable[[Change, Scene], Outlook]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AddIdentity": _add_identity,
    "AT_AlterColumnType": _alter_type,
    "AT_ColumnDefault": _column_default,
    "AT_DropColumn": _drop_column,
    "AT_DropConstraint": _drop_constraint,
    "AT_SetNotNull": _set_not_null,
    "AlterEnumStmt": _enum,
    "AlterTableStmt": _alter_other,
    "CreateFunctionStmt": _replaced,
    "CreateStmt": _create_table,
    "DropStmt": _drop,
    "GrantRoleStmt": _grant,
    "GrantStmt": _grant,
    "IndexStmt": _create_index,
    "RenameStmt": _rename,
    "SelectStmt": _select,
    "ViewStmt": _replaced,
}
