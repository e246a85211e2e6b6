"""Values for a column, as SQL: one for each row, and those at the ends of what it holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Column, Contract, Relation

_LONG = 400
_ENDS = {
    "smallint": ("-32768", "32767"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "boolean": ("false", "true"),
    "real": ("0", "1e37"),
    "double precision": ("0", "1e300"),
    "date": ("'1900-01-01'", "'2999-12-31'"),
    "jsonb": ("'[]'", "'null'", "'{\"a\": 1}'"),
    "json": ("'[]'", "'null'", "'{\"a\": 1}'"),
    "numeric": ("0", "-1", "123456789.987654321"),
}
_BY_NUMBER = {
    "uuid": "'00000000-0000-4000-8000-{:012d}'",
    "date": "'2026-01-{:02d}'",
    "boolean": "true",
    "bytea": "'\\x{:02d}'",
    "inet": "'10.0.0.{}'",
    "cidr": "'10.0.0.{}/32'",
    "json": "'{{}}'",
    "jsonb": "'{{}}'",
    "interval": "'{} hours'",
    "timestamp": "'2026-01-{:02d} 10:00:00'",
    "time": "'10:00:{:02d}'",
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double"), "{}"),
}
_LISTED = re.compile(r"'((?:[^']|'')*)'::")


def sample(column: Column, row: int, relation: Relation, contract: Contract) -> str:
    """Return a value of a column as SQL.

    Args:
        column: The column.
        row: Another number gives another value where the type has more than a few.
        relation: Its table, whose checks may list what is allowed.
        contract: Whose enums and domains the type may be.

    Returns:
        A literal; `null` for a type that is not known here.
    """
    type_ = _base(column.type, contract)
    listed = _listed(column, relation)
    if listed and _is_text(type_):
        return f"'{listed[row % len(listed)]}'"
    return _of_type(type_, row, contract)


def edges(column: Column, contract: Contract) -> Iterator[str]:
    """Yield the values at the ends of what a column holds, as SQL; none for unknown types."""
    type_ = _base(column.type, contract)
    labels = _labels(type_, contract)
    if labels:
        yield from (f"'{label}'" for label in labels)
    elif _is_text(type_):
        size = int(_size(type_) or _LONG)
        yield from ("''", f"'{'x' * size}'", "'n@n'")
    elif type_.endswith("[]"):
        yield "'{}'"
        yield "'{" + _of_type(type_[:-2], 1, contract).strip("'") * 3 + "}'"
    elif type_.startswith("numeric("):
        digits, scale = (int(part) for part in type_[8:-1].split(","))
        yield from ("0", "9" * (digits - scale), "0." + "0" * (scale - 1) + "1")
    elif type_.startswith("timestamp"):
        yield from ("'1970-01-01 00:00:00.123456'", "'2999-12-31 23:59:59.999'")
    else:
        yield from _ENDS.get(type_, ())


def _of_type(type_: str, row: int, contract: Contract) -> str:
    labels = _labels(type_, contract)
    if labels:
        return f"'{labels[row % len(labels)]}'"
    if type_.endswith("[]"):
        return "'{}'"
    if _is_text(type_):
        # Fits where an address is asked for.
        long = f"n{row}@"
        return f"'{long}'" if int(_size(type_) or _LONG) >= len(long) else f"'{row}'"
    name = type_.partition("(")[0].partition(" ")[0]
    return _BY_NUMBER.get(name, "null").format(row)


def _base(type_: str, contract: Contract) -> str:
    bases = {domain.name: domain.base for domain in contract.domains}
    for _ in bases:
        type_ = bases.get(type_, type_)
    return type_


def _labels(type_: str, contract: Contract) -> list[str]:
    found = next((one.labels for one in contract.enums if one.name == type_), ())
    return [label.replace("'", "''") for label in found]


def _listed(column: Column, relation: Relation) -> list[str]:
    """Return the literals that a check on this column alone names."""
    return [
        literal
        for check in relation.checks
        if check.columns == (column.name,) and "= ANY" in check.expression
        for literal in _LISTED.findall(check.expression)
    ]


def _is_text(type_: str) -> bool:
    return type_ in ("text", "bpchar") or type_.startswith("character")


def _size(type_: str) -> str:
    found = re.search(r"\((\d+)", type_)
    return found[1] if found else ""
