"""Types of columns, and what it takes to change one into another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.names import strings
from rollout.model.statement import Compatibility, Outlook

if TYPE_CHECKING:
    from rollout.migrations.sql import Node

# What the grammar calls a type, and what PostgreSQL shows it as.
_SHOWN = {
    "bool": "boolean",
    "bpchar": "character",
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
_SERIAL = {"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"}
_MODIFIED = re.compile(r"([^(]*)(?:\(([\d,]+)\))?(.*)")
INTEGERS = ("smallint", "integer", "bigint")
"""The types of whole numbers, the smallest first."""
_FLOATS = ("real", "double precision")
# The file stays as it is, and what the client is told of the column stays of one kind.
_RELABELLED = {("character varying", "text"), ("text", "character varying"), ("cidr", "inet")}
_ROOMIER = {"character varying", "bit varying"}
_PRECISE = {one for one in _SHOWN.values() if one.startswith("time")}


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column's type.

    Attributes:
        base: Its name without numbers, such as `character varying` or `integer[]`.
        numbers: Its length, or precision and scale; empty means without limit.
    """

    base: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """What it takes to change a column's type.

    Attributes:
        rewrites: Whether the table is written anew.
        outlook: What the code that serves now can expect.
    """

    rewrites: bool
    outlook: Outlook


def is_serial(node: Node) -> bool:
    """Return whether a `TypeName` is `serial` or one of its kin."""
    return bool(_SERIAL & set(strings(node.many("names"))))


def type_of(node: Node) -> SqlType:
    """Return a `TypeName` as a type; its schema is left out."""
    name = ("", *strings(node.many("names")))[-1]
    numbers = tuple(
        one.one("ival").number("ival") for one in node.many("typmods") if one.kind == "A_Const"
    )
    base = _SHOWN.get(name, name) + "[]" * len(node.many("array_bounds"))
    return SqlType(base, _canonical(base, numbers))


def read_type(text: str) -> SqlType:
    """Return a type as PostgreSQL shows it.

    Example:
        >>> read_type("timestamp(3) with time zone")
        SqlType(base='timestamp with time zone', numbers=(3,))
    """
    match = _MODIFIED.fullmatch(text)
    if match is None:
        return SqlType(text)
    numbers = tuple(int(number) for number in match[2].split(",")) if match[2] else ()
    base = (match[1] + match[3]).rpartition(".")[2]
    return SqlType(base, _canonical(base, numbers))


def conversion(old: SqlType | None, new: SqlType) -> Conversion:
    """Return what it takes to change a type.

    Args:
        old: The type now; None when it is not known.
        new: The type to be.

    Source: `migrations.md` section 3, measured on PostgreSQL 15.
    """
    if old is None:
        return _rewritten(_conditional("the type that it has now is not known"))
    if old.base == new.base:
        return _same_base(old, new)
    if (old.base, new.base) in _RELABELLED and not new.numbers:
        return _relabelled()
    return _rewritten(_between(old.base, new.base))


def _between(old: str, new: str) -> Outlook:
    for family in (INTEGERS, _FLOATS):
        if old in family and new in family:
            if family.index(old) < family.index(new):
                return Outlook(Compatibility.LOW, "it may read numbers larger than it expects")
            return _conditional("a number that is too large then is refused")
    if {old, new} <= {"text", "character varying", "character"}:
        return _conditional("a value that is longer or padded is refused or cut")
    if {old, new} == {"json", "jsonb"}:
        return _conditional("the order and doubling of keys are kept or lost")
    return Outlook(
        Compatibility.BREAKING, f"it reads and writes {old}, and the column becomes {new}"
    )


def _rewritten(outlook: Outlook) -> Conversion:
    return Conversion(rewrites=True, outlook=outlook)


def _relabelled() -> Conversion:
    return Conversion(rewrites=False, outlook=Outlook(Compatibility.NEUTRAL))


def _same_base(old: SqlType, new: SqlType) -> Conversion:
    if old.numbers == new.numbers or _holds(old, new):
        return _relabelled()
    return _rewritten(_conditional("a value that fits now is refused or rounded"))


def _holds(old: SqlType, new: SqlType) -> bool:
    """Return whether each value of the old type is one of the new type as it is."""
    if not new.numbers:
        return old.base in _ROOMIER | _PRECISE | {"numeric"}
    if not old.numbers:
        return False
    if old.base == "numeric":
        return old.numbers[0] <= new.numbers[0] and old.numbers[1:] == new.numbers[1:]
    return old.base in _ROOMIER | _PRECISE and old.numbers <= new.numbers


def _conditional(why: str) -> Outlook:
    return Outlook(Compatibility.CONDITIONAL, why)


def _canonical(base: str, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers as PostgreSQL keeps them: a numeric's scale is 0 unless given."""
    if base == "numeric" and len(numbers) == 1:
        return (numbers[0], 0)
    if base == "character" and not numbers:
        return (1,)
    return numbers
