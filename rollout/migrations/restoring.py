"""What brings a schema back to where older code can live with it: one function a rule.

Each one answers one `BREAK` with statements that go forward: they add, allow or grant, so that the
code which serves now can live with the schema afterwards too. Nothing is renamed back and no type
is changed back, since either would break that code in turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.model.contract import Contract, Relation

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.model.contract import Column, EnumType, Key

_RULE_NAME = re.compile(r'CREATE RULE (?P<name>"(?:[^"]|"")+"|\S+) AS', re.IGNORECASE)
_NO_VALUES = "the values that it held do not come back; rows that are there have its default"


@dataclass(frozen=True, slots=True)
class Place:
    """Where two contracts differ so that older code breaks.

    Attributes:
        old: What the older code was verified with.
        live: What is there now.
        name: The relation in full; for an enum, the type.
        part: The column, columns or label below it; empty for the whole.
    """

    old: Contract
    live: Contract
    name: str
    part: str

    @property
    def before(self) -> Relation:
        """Return the relation as the older code knows it; an empty one when it does not."""
        return self.old.relation(self.name) or Relation(self.name, "")

    @property
    def after(self) -> Relation:
        """Return the relation that is there; an empty one when there is none."""
        return self.live.relation(self.name) or Relation(self.name, "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be done about one place.

    Attributes:
        statements: In order; empty when nothing can be drafted.
        lost: What does not come back, or why nothing is drafted; empty when all is as before.
    """

    statements: tuple[str, ...] = ()
    lost: str = ""


def quoted(name: str) -> str:
    """Return a column's or label's name as an identifier.

    Example:
        >>> quoted('a "b" c')
        '"a ""b"" c"'
    """
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _alter(place: Place, what: str) -> str:
    return f"alter table {place.name} alter column {quoted(place.part)} {what}"


def _relation_gone(place: Place) -> Answer:
    gone = place.before
    schema = _schema_again(place)
    moved = _moved_to(place)
    if gone.kind == "view":
        again = f"create view {gone.name} as {gone.definition.rstrip().rstrip(';')}"
        return Answer((*schema, again, *_rights(gone, place.old.role)))
    if gone.kind != "table" or gone.parent:
        return Answer(lost=f"a {gone.kind or 'relation'} or a partition is not made anew by a rule")
    if moved is not None:
        names = ", ".join(quoted(column.name) for column in gone.columns)
        view = f"create view {gone.name} as select {names} from {moved.name}"
        told = f"{moved.name} has the same columns and is taken for it: a view stands in its place"
        return Answer((*schema, view, *_rights(gone, place.old.role)), told)
    return _table_again(place, schema)


def _table_again(place: Place, schema: tuple[str, ...]) -> Answer:
    gone = place.before
    # References stay away: they would refuse deletes of the code that does not know this table.
    columns = [f"{_defined(column)}{_not_null(column)}" for column in gone.columns]
    checks = [f"check ({check.expression})" for check in gone.checks]
    table = f"create table {gone.name} ({', '.join((*columns, *checks))})"
    enums = (one for column in gone.columns for one in _enum_again(place, column))
    keys = (_key(gone.name, key) for key in gone.keys if _plain(key))
    told = "its rows do not come back, and nothing that they referred to is checked"
    return Answer((*schema, *enums, table, *keys, *_rights(gone, place.old.role)), told)


def _moved_to(place: Place) -> Relation | None:
    """Return the one new table that has exactly the columns of one that is gone."""
    known = {one.name for one in place.old.relations}
    there = {one.name for one in place.live.relations}
    shape = _shape(place.before)
    new = [one for one in place.live.relations if one.name not in known and _shape(one) == shape]
    gone = [one for one in place.old.relations if one.name not in there and _shape(one) == shape]
    return new[0] if len(new) == len(gone) == 1 else None


def _shape(relation: Relation) -> tuple[str, tuple[tuple[str, str], ...]]:
    return relation.kind, tuple((column.name, column.type) for column in relation.columns)


def _schema_again(place: Place) -> tuple[str, ...]:
    schema = _schema_of(place.name)
    if any(_schema_of(one.name) == schema for one in place.live.relations):
        return ()
    grant = f"grant usage on schema {schema} to {quoted(place.old.role)}"
    return (f"create schema if not exists {schema}", grant)


def _schema_of(name: str) -> str:
    return name[: name.index('".') + 1] if name.startswith('"') else name.partition(".")[0]


def _column_gone(place: Place) -> Answer:
    column = place.before.column(place.part)
    if column is None or place.before.kind == "view":
        return _view_column_gone(place)
    if place.after.kind != "table":
        return Answer(lost=f"a column is not added to a {place.after.kind}")
    add = f"alter table {place.name} add column {_defined(column)}"
    keys = (
        _key(place.name, key)
        for key in place.before.keys
        if column.name in key.columns and _plain(key) and _never_twice(column, key)
    )
    told = "" if column.generated else _NO_VALUES
    return Answer((*_enum_again(place, column), add, *keys), told)


def _view_column_gone(place: Place) -> Answer:
    known = {column.name for column in place.before.columns}
    if any(column.name not in known for column in place.after.columns):
        return Answer(lost="the view has columns that it had not, so its old query is no draft")
    again = f"create view {place.name} as {place.before.definition.rstrip().rstrip(';')}"
    return Answer((f"drop view {place.name}", again, *_rights(place.before, place.old.role)))


def _defined(column: Column) -> str:
    words = f"{quoted(column.name)} {column.type}"
    if column.generated:
        return f"{words} generated always as ({column.generated}) stored"
    if column.identity or column.sequence:
        # The sequence went away with its column: an identity brings one of its own.
        return f"{words} generated {column.identity or 'by default'} as identity"
    return f"{words} default {column.default}" if column.default is not None else words


def _not_null(column: Column) -> str:
    return " not null" if column.not_null else ""


def _plain(key: Key) -> bool:
    return key.kind != "exclusion" and not key.expressions and key.valid


def _never_twice(column: Column, key: Key) -> bool:
    """Return whether a column that is added anew lets a key over it be made."""
    numbered = bool(column.identity) or bool(column.sequence)
    return numbered or (key.nulls_distinct and not column.fills_itself)


def _key(relation: str, key: Key) -> str:
    columns = ", ".join(quoted(name) for name in key.columns)
    nulls = "" if key.nulls_distinct else " nulls not distinct"
    where = f" where {key.predicate}" if key.predicate else ""
    return f"create unique index on {relation} ({columns}){nulls}{where}"


def _enum_again(place: Place, column: Column) -> tuple[str, ...]:
    name = column.type.removesuffix("[]")
    enum = _enum(place.old, name)
    if enum is None or _enum(place.live, name) is not None:
        return ()
    return (f"create type {name} as enum ({', '.join(map(_literal, enum.labels))})",)


def _enum(contract: Contract, name: str) -> EnumType | None:
    return next((one for one in contract.enums if one.name == name), None)


def _rights(relation: Relation, role: str) -> tuple[str, ...]:
    whole = [f"grant {', '.join(relation.may)} on {relation.name} to {quoted(role)}"]
    columns = [
        f"grant {right} ({quoted(column.name)}) on {relation.name} to {quoted(role)}"
        for column in relation.columns
        for right in column.may
        if right not in relation.may
    ]
    return (*(whole if relation.may else ()), *columns)


def _label_gone(place: Place) -> Answer:
    old, live = _enum(place.old, place.name), _enum(place.live, place.name)
    if old is None or live is None:
        return Answer(lost="the enum that stands in its place has another name")
    earlier = old.labels[: old.labels.index(place.part)]
    last = next((label for label in reversed(earlier) if label in live.labels), None)
    after = f" after {_literal(last)}" if last is not None else ""
    add = f"alter type {place.name} add value if not exists {_literal(place.part)}{after}"
    return Answer((add,), "rows that had this label have another one now")


def _null_refused(place: Place) -> Answer:
    column = place.after.column(place.part)
    keys = place.after.keys
    if any(key.kind == "primary" and place.part in key.columns for key in keys):
        return Answer(lost="the primary key needs it, and the code that serves now that key")
    if column is not None and any(one.name == column.type for one in place.live.domains):
        return Answer((f"alter domain {column.type} drop not null",))
    return Answer((_alter(place, "drop not null"),))


def _default_lost(place: Place) -> Answer:
    column = place.before.column(place.part)
    if column is None:
        return Answer(lost="the older code does not know the column")
    if column.identity:
        add = _alter(place, "add generated by default as identity")
        sequence = f"pg_get_serial_sequence({_literal(place.name)}, {_literal(place.part)})"
        highest = f"(select coalesce(max({quoted(place.part)}), 0) + 1 from {place.name})"
        return Answer((add, f"select setval({sequence}, {highest}, false)"))
    return Answer((_alter(place, f"set default {column.default}"),))


def _key_constant(place: Place) -> Answer:
    names = place.part.split(", ")
    column = place.after.column(place.part)
    keys = [key for key in place.after.keys if key.columns == tuple(names)]
    if column is None or any(not key.nulls_distinct or key.kind == "primary" for key in keys):
        return Answer(lost="the unique index must go, which the code that serves now may name")
    told = "rows of the older code have NULL there"
    return Answer((_alter(place, "drop default"), _alter(place, "drop not null")), told)


def _sequence_closed(place: Place) -> Answer:
    column = place.after.column(place.part)
    if column is None or not column.sequence:
        return Answer(lost="the sequence is not known")
    return Answer((f"grant usage on sequence {column.sequence} to {quoted(place.old.role)}",))


def _identity_always(place: Place) -> Answer:
    return Answer((_alter(place, "set generated by default"),))


def _no_more_generated(place: Place) -> Answer:
    return Answer((_alter(place, "drop not null"),), "nobody computes it for the older code's rows")


def _became_generated(place: Place) -> Answer:
    told = "nobody computes it any more for the rows of the code that serves now"
    return Answer((_alter(place, "drop expression"), _alter(place, "drop not null")), told)


def _privilege_lost(place: Place) -> Answer:
    schema = f"grant usage on schema {_schema_of(place.name)} to {quoted(place.old.role)}"
    rights = _rights(place.before, place.old.role)
    there = {column.name for column in place.after.columns}
    gone = [column.name for column in place.before.columns if column.name not in there]
    if any(f"({quoted(name)})" in right for name in gone for right in rights):
        return Answer(lost="rights by column, on a column that is gone")
    return Answer((schema, *rights))


def _rule_new(place: Place) -> Answer:
    new = set(place.after.rules) - set(place.before.rules)
    names = [found["name"] for rule in sorted(new) if (found := _RULE_NAME.match(rule))]
    drops = tuple(f"drop rule {name} on {place.name}" for name in names)
    return Answer(drops, "nobody does what the rule did for the code that serves now")


def _type_other(place: Place) -> Answer:
    column = place.after.column(place.part)
    type_ = column.type if column else "another type"
    told = f"the code that serves now reads {type_}, and one column cannot be read as two types"
    return Answer(lost=told)


RESTORING: dict[str, Callable[[Place], Answer]] = {
    "relation-gone": _relation_gone,
    "column-gone": _column_gone,
    "label-gone": _label_gone,
    "null-refused": _null_refused,
    "unknown-column-required": _null_refused,
    "default-lost": _default_lost,
    "unknown-key-constant": _key_constant,
    "sequence-closed": _sequence_closed,
    "identity-always": _identity_always,
    "generated-no-more": _no_more_generated,
    "became-generated": _became_generated,
    "privilege-lost": _privilege_lost,
    "rule-new": _rule_new,
    "type-other": _type_other,
}
"""What answers each rule of `compatible` that can say `BREAK`, by the rule's name."""
