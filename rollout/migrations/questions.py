"""The text of the questions that are asked of rows before a migration is applied.

Each name and expression in it was written by PostgreSQL's grammar; nothing of a migration's text is
repeated as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.sql import Node, deparse
from rollout.model.precheck import BOUND

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Source:
    """Rows: those of a table, with the columns that earlier pending statements give it.

    Attributes:
        name: The table, as SQL.
        alias: What it is called in expressions, as SQL.
        added: Columns that it does not have yet: name and value, as SQL.
        only: Whether rows of its partitions and heirs are left out.
        own: Whether rows of its heirs are left out, and those of its partitions are not.
    """

    name: str
    alias: str
    added: tuple[tuple[str, str], ...] = ()
    only: bool = False
    own: bool = False

    @property
    def sql(self) -> str:
        """Return what stands behind `FROM`."""
        table = f"ONLY {self.name}" if self.only else self.name
        if not self.added and not self.own:
            return table if self.name == self.alias else f"{table} AS {self.alias}"
        columns = ", ".join(("*", *(f"{value} AS {name}" for name, value in self.added)))
        return f"(SELECT {columns} FROM {table}{self._owned()}) AS {self.alias}"

    def _owned(self) -> str:
        if not self.own:
            return ""
        table = f"{literal(self.name)}::regclass"
        partitioned = f"(SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = {table})"
        return f" WHERE tableoid = {table} OR {partitioned}"


def quoted(*parts: str) -> str:
    """Return a name as SQL.

    Example:
        >>> quoted("public", 'odd"one'), quoted("user")
        ('public."odd""one"', '"user"')
    """
    return deparse(column_node(*parts))


def column_node(*parts: str) -> Node:
    """Return a column, or any other name, as a part of a parse tree."""
    fields = tuple(Node("String", {"sval": part}) for part in parts if part)
    return Node("ColumnRef", {"fields": fields})


def literal(text: str) -> str:
    """Return a text as an SQL literal.

    Example:
        >>> literal("it's")
        "'it''s'"
    """
    return deparse(Node("A_Const", {"sval": Node("String", {"sval": text})}))


def type_sql(name: Node) -> str:
    """Return a `TypeName` as SQL."""
    null = Node("A_Const", {"isnull": True})
    cast = deparse(Node("TypeCast", {"arg": null, "type_name": name}))
    return cast.removeprefix("NULL::")


def count_rows(source: Source, condition: str) -> str:
    """Return the question how many rows meet a condition; an empty one is met by each."""
    rows = f"SELECT 1 FROM {source.sql}{_where(condition)} LIMIT {BOUND + 1}"
    return f"SELECT count(*) FROM ({rows}) AS found"


def key_of_row(source: Source, condition: str, key: Iterable[str]) -> str:
    """Return the question which row meets a condition; empty when there is no key."""
    columns = ", ".join(f"CAST({source.alias}.{column} AS text)" for column in key)
    if not columns:
        return ""
    return f"SELECT {columns} FROM {source.sql}{_where(condition)} LIMIT 1"


@dataclass(frozen=True, slots=True)
class Keys:
    """What has to be unique.

    Attributes:
        values: Columns and expressions, as SQL.
        condition: Of which rows; empty means of all.
        nulls_distinct: Whether a row with a NULL in one of them is like no other.
    """

    values: tuple[str, ...]
    condition: str = ""
    nulls_distinct: bool = True


def count_duplicates(source: Source, keys: Keys) -> str:
    """Return the question how many values several rows have."""
    return f"SELECT count(*) FROM ({_doubled(source, keys, '1', BOUND + 1)}) AS found"


def key_of_duplicate(source: Source, keys: Keys, key: Iterable[str]) -> str:
    """Return the question which row shares its values with another one."""
    names = ", ".join(_names(keys))
    doubled = _doubled(source, keys, names, 1)
    shared = f"({', '.join(keys.values)}) IN ({doubled})"
    condition = f"({keys.condition}) AND {shared}" if keys.condition else shared
    return key_of_row(source, condition, key)


def work_out(source: Source, expression: str) -> str:
    """Return a question that fails where an expression fails for one of the rows."""
    return f"SELECT count({expression}) FROM {source.sql}"


def orphaned(
    child: tuple[str, ...], parent: Source | None, referenced: tuple[str, ...], *, full: bool
) -> str:
    """Return the condition of rows that refer to nothing.

    Args:
        child: The columns that refer, as SQL.
        parent: The rows that are referred to; None when there are none.
        referenced: Their columns, in the same order, as SQL.
        full: Whether all columns have to be given, or none (`MATCH FULL`).
    """
    given = " AND ".join(f"{column} IS NOT NULL" for column in child)
    found = "false"
    if parent is not None:
        pairs = zip(referenced, child, strict=True)
        equal = " AND ".join(f"{parent.alias}.{theirs} = {ours}" for theirs, ours in pairs)
        found = f"EXISTS (SELECT 1 FROM {parent.sql} WHERE {equal})"
    alone = f"{given} AND NOT {found}"
    if not full:
        return alone
    some = " OR ".join(f"{column} IS NOT NULL" for column in child)
    lacks = " OR ".join(f"{column} IS NULL" for column in child)
    return f"({alone}) OR (({some}) AND ({lacks}))"


def _names(keys: Keys) -> tuple[str, ...]:
    return tuple(f"k{number}" for number, _ in enumerate(keys.values, 1))


def _doubled(source: Source, keys: Keys, what: str, limit: int) -> str:
    names = _names(keys)
    pairs = zip(keys.values, names, strict=True)
    values = ", ".join(f"({value}) AS {name}" for value, name in pairs)
    # Without the fence the server may work the values out for rows that the condition leaves out.
    rows = f"SELECT {values} FROM {source.sql}{_where(keys.condition)} OFFSET 0"
    given = " AND ".join(f"{name} IS NOT NULL" for name in names) if keys.nulls_distinct else ""
    return (
        f"SELECT {what} FROM ({rows}) AS keys{_where(given)} "
        f"GROUP BY {', '.join(names)} HAVING count(*) > 1 LIMIT {limit}"
    )


def _where(condition: str) -> str:
    return f" WHERE {condition}" if condition else ""
