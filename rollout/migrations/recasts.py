"""For which values a change of a column's type fails.

Where the values can be described they can be counted; for any other cast the server is asked to
work it out, and says at most that one of them fails. An assignment refuses what an explicit cast
would cut off silently, so that lengths are never tried by a cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.effects import is_cast
from rollout.migrations.questions import quoted, type_sql
from rollout.migrations.sql import deparse
from rollout.migrations.types import INTEGERS, SqlType, conversion, type_of

if TYPE_CHECKING:
    from rollout.migrations.sql import Node

_RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_TEXTS = ("character varying", "character")
_BITS = ("bit", "bit varying")
_FITTED = (*_TEXTS, *_BITS)
_TOO_LONG, _WRONG_LENGTH, _TOO_LARGE, _NULL = "22001", "22026", "22003", "23502"


@dataclass(frozen=True, slots=True)
class Recast:
    """One way in which a change of type fails.

    Attributes:
        offenders: Which rows it fails for, as the rest of a sentence.
        sqlstate: What the server says then; empty when it depends on the value.
        condition: What such rows meet, as SQL; empty when they cannot be told from others.
        expression: What fails for such rows, as SQL; empty when they can be told from others, or
            when nothing can be asked at all.
    """

    offenders: str
    sqlstate: str = ""
    condition: str = ""
    expression: str = ""


def recasts(
    column: str, old: SqlType | None, type_name: Node, using: Node, *, not_null: bool
) -> tuple[Recast, ...]:
    """Return in which ways the rows can refuse a change of type; empty when they cannot.

    Args:
        column: The column.
        old: Its type now; None when it is not known.
        type_name: Its type to be, as the statement has it.
        using: What its values become; absent when that is left to the server.
        not_null: Whether it has to have a value.
    """
    new, value = type_of(type_name), deparse(using) if using else quoted(column)
    if not value:
        return (Recast(f"whose {column} cannot become {new.base}"),)
    plain = is_cast(using, new.base, column)
    if plain and not using and _never_fails(old, new):
        return ()
    told = f"whose {column} cannot become {type_sql(type_name)}"
    found = _fitting(value, new, plain=plain) or _counted(value, old, new, plain=plain)
    ways = [Recast(told, *found)]
    if not found:
        lost = new.base.endswith("[]") and bool(new.numbers) and new.base.startswith(_FITTED)
        cast = f"CAST(({value}) AS {type_sql(type_name)})"
        ways = [Recast(told, expression="" if lost else cast)]
    if not_null and not plain:
        offenders = f"whose {column} would have no value"
        ways.append(Recast(offenders, _NULL, f"({value}) IS NULL"))
    return tuple(ways)


def _never_fails(old: SqlType | None, new: SqlType) -> bool:
    if old is None:
        return False
    wider = old.base in INTEGERS and new.base in INTEGERS[INTEGERS.index(old.base) :]
    return wider or new.base == "text" or not conversion(old, new).rewrites


def _fitting(value: str, new: SqlType, *, plain: bool) -> tuple[str, ...]:
    """Return code and condition of values that do not fit a length or a precision."""
    if not new.numbers:
        return ()
    first = new.numbers[0]
    if new.base in _TEXTS:
        # Blanks at the end are cut off silently.
        rest = f"pg_catalog.substr(CAST(({value}) AS text), {first + 1})"
        return _TOO_LONG, f"pg_catalog.btrim({rest}, ' ') <> ''"
    if new.base == "bit" and plain:
        return _WRONG_LENGTH, f"pg_catalog.length({value}) <> {first}"
    if new.base == "bit varying" and plain:
        return _TOO_LONG, f"pg_catalog.length({value}) > {first}"
    if new.base == "numeric":
        scale, number = new.numbers[1], f"CAST(({value}) AS numeric)"
        limit = f"CAST('1e{first - scale}' AS numeric)"
        large = f"pg_catalog.abs(pg_catalog.round({number}, {scale})) >= {limit}"
        return _TOO_LARGE, f"{large} AND {number} <> CAST('NaN' AS numeric)"
    return ()


def _counted(value: str, old: SqlType | None, new: SqlType, *, plain: bool) -> tuple[str, ...]:
    """Return code and condition of whole numbers that are too large."""
    if not plain or old is None or old.base not in INTEGERS or new.base not in INTEGERS:
        return ()
    limit = _RANGES[new.base]
    return _TOO_LARGE, f"{value} NOT BETWEEN -{limit} AND {limit - 1}"
