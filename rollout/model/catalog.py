"""What the database says of its tables: as much as judging a migration needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SMALL_ROWS = 10_000
"""Below this many rows whatever is done to a table is done in an instant."""
SMALL_BYTES = 1024 * 1024
"""What as many rows take up as a rule, in bytes: it decides where they were never counted."""

ConstraintKind = Literal["check", "foreign key", "not null", "primary key", "unique", "exclusion"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Its name.
        type: Its type as PostgreSQL writes it, such as `character varying(20)`.
        not_null: Whether it is NOT NULL.
    """

    name: str
    type: str
    not_null: bool = False


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint of a table.

    Attributes:
        name: Its name.
        kind: What it is.
        definition: As `pg_get_constraintdef` writes it.
        validated: Whether the rows that are there are known to keep it.
        references: The other table of a foreign key, as `schema.name`; else empty.
    """

    name: str
    kind: ConstraintKind
    definition: str = ""
    validated: bool = True
    references: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table, partitioned table or materialized view.

    Attributes:
        name: As `schema.name`.
        rows: How many rows PostgreSQL believes it has; None when it was never counted.
        size_bytes: The size of its rows, without indexes, in bytes.
        columns: Its columns.
        constraints: Its constraints.
        indexes: The names of its indexes, as `schema.name`.
        is_view: Whether it is a materialized view.
        parts: Its partitions and heirs, and theirs; rows and size count them in.
    """

    name: str
    rows: int | None = 0
    size_bytes: int = 0
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[str, ...] = ()
    is_view: bool = False
    parts: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return a column; None when there is none of the name."""
        return next((one for one in self.columns if one.name == name), None)

    def constraint(self, name: str) -> Constraint | None:
        """Return a constraint; None when there is none of the name."""
        return next((one for one in self.constraints if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tables of a database, and its domains that check what they hold.

    Attributes:
        tables: The tables by `schema.name`.
        domains: Names of domains with constraints, without their schemas.
    """

    tables: dict[str, Table] = field(default_factory=dict[str, Table])
    domains: frozenset[str] = frozenset()

    def owner(self, index: str) -> str:
        """Return the table that an index, given as `schema.name`, belongs to; else an empty text.

        Example:
            >>> note = Table("public.note", indexes=("public.note_idx",))
            >>> Catalog({"public.note": note}).owner("public.note_idx")
            'public.note'
        """
        return next((one.name for one in self.tables.values() if index in one.indexes), "")

    def is_small(self, table: str) -> bool:
        """Return whether a table is known to have few rows; one that is not known is not small."""
        known = self.tables.get(table)
        if known is None:
            return False
        return known.size_bytes < SMALL_BYTES if known.rows is None else known.rows < SMALL_ROWS
