"""The schema contract: what a release's code found in the database when it was verified.

Everything is as the application's role sees it, with every name written in full (`public.note`),
so that two contracts are equal exactly when code cannot tell the two databases apart. Constraints
are compared by what they say, never by name. Tuples stand in one order, made by the reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NULL = re.compile(r"NULL(?:::.+)?\Z")

FORMAT = 1
"""The version of the contract's form; a contract of another form is not compared."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Its name.
        type: The type in full, with its length: `character varying(20)`, `public.mood[]`.
        not_null: Whether NULL is refused, also when the type's domain refuses it.
        default: The default's expression, a domain's included; None when there is none.
        identity: `always`, `by default`, or empty.
        generated: The expression of a generated column; empty for others.
        collation: The collation when it is not the type's own; else empty.
        sequence: The sequence that default or identity takes from; empty when there is none.
        sequence_usable: Whether the role may take from it; True when there is none.
        may: Of `INSERT SELECT UPDATE` what the role may do with it, in this order.
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    identity: str = ""
    generated: str = ""
    collation: str = ""
    sequence: str = ""
    sequence_usable: bool = True
    may: tuple[str, ...] = ()

    @property
    def fills_itself(self) -> bool:
        """Return whether an INSERT that does not give it gets something other than NULL."""
        given = self.default is not None and not _NULL.match(self.default)
        return given or bool(self.identity) or bool(self.generated)


@dataclass(frozen=True, slots=True)
class Check:
    """A check on rows.

    Attributes:
        expression: What must not be false, as PostgreSQL writes it.
        columns: The columns that it names, by name.
        validated: Whether the rows of that time were checked too.
    """

    expression: str
    columns: tuple[str, ...]
    validated: bool = True


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference to another table.

    Attributes:
        columns: The referring columns, in the key's order.
        references: The other table.
        referenced: Its columns, in the same order.
        on_delete: What a delete over there does here: `no action`, `restrict`, `cascade`,
            `set null` or `set default`.
        on_update: The same for an update.
        match: `simple` or `full`.
        deferrable: Whether it may be checked at the end of a transaction.
        validated: Whether the rows of that time were checked too.
    """

    columns: tuple[str, ...]
    references: str
    referenced: tuple[str, ...]
    on_delete: str = "no action"
    on_update: str = "no action"
    match: str = "simple"
    deferrable: bool = False
    validated: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """A unique index, or an exclusion constraint.

    Attributes:
        columns: Its columns by name, in the index's order; an expression stands as its text.
        kind: `primary`, `unique` or `exclusion`.
        predicate: The condition of a partial one; empty for one over all rows.
        operators: An exclusion's own definition; empty for others.
        nulls_distinct: Whether several NULLs may stand side by side.
        deferrable: Whether it may be checked later; ON CONFLICT cannot use such a key.
        valid: Whether it is complete; one that a failed build left refuses rows all the same.
        expressions: Whether one of its parts is an expression.
    """

    columns: tuple[str, ...]
    kind: str = "unique"
    predicate: str = ""
    operators: str = ""
    nulls_distinct: bool = True
    deferrable: bool = False
    valid: bool = True
    expressions: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of row level security that applies to the role.

    Attributes:
        name: Its name.
        command: `all`, `select`, `insert`, `update` or `delete`.
        permissive: Whether it lets rows through, or is one more condition.
        using: Which rows are seen; empty when it says nothing.
        check: Which rows may be written; empty when it says nothing.
    """

    name: str
    command: str
    permissive: bool
    using: str
    check: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that fires for an ordinary session.

    Attributes:
        name: Its name, which decides the order.
        definition: The whole statement that makes it.
        function: MD5 of its function's body.
    """

    name: str
    definition: str
    function: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, a view, or what else can stand in a FROM.

    Attributes:
        name: Its name in full.
        kind: `table`, `partitioned table`, `view`, `materialized view`, `foreign table`, or
            PostgreSQL's own letter for one that is not known here.
        columns: All columns, in the table's order.
        checks: Checks, in order of their text.
        foreign_keys: References to other tables.
        keys: Unique indexes and exclusions.
        row_security: Whether policies decide what the role sees and writes.
        policies: Those that apply to the role, whether or not they are in force.
        triggers: By name.
        rules: Statements that make rewrite rules, but for a view's own.
        definition: A view's query, or a partition's bounds and a partitioned table's key.
        parent: The table that it is a partition of, or inherits from; empty for none.
        may: Of `DELETE INSERT SELECT TRUNCATE UPDATE` what the role may do, in this order.
        other: Whatever was found that this form has no place for, as texts.
    """

    name: str
    kind: str
    columns: tuple[Column, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    keys: tuple[Key, ...] = ()
    row_security: bool = False
    policies: tuple[Policy, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[str, ...] = ()
    definition: str = ""
    parent: str = ""
    may: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return a column; None when there is none of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum, with its labels in their order."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain.

    Attributes:
        name: Its name in full.
        base: The type under it, with its length.
        not_null: Whether it refuses NULL.
        checks: What else it refuses, as expressions on VALUE, in order of their text.
    """

    name: str
    base: str
    not_null: bool = False
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence that no column owns.

    Attributes:
        name: Its name in full.
        usable: Whether the role may take from it.
    """

    name: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Function:
    """A function or procedure, but for triggers' own.

    Attributes:
        signature: Its name in full, with the types of its arguments.
        body: MD5 of the statement that makes it.
        usable: Whether the role may call it.
    """

    signature: str
    body: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Contract:
    """All of it.

    Attributes:
        role: The application's role.
        relations: By name.
        enums: By name.
        domains: By name.
        sequences: By name.
        functions: By signature.
        settings: What the server sets for the role's sessions here, as `name=value`, by name.
        other: Types that this form has no place for, as texts.
        format: The version of this form.
    """

    role: str
    relations: tuple[Relation, ...] = ()
    enums: tuple[EnumType, ...] = ()
    domains: tuple[Domain, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    functions: tuple[Function, ...] = ()
    settings: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    format: int = field(default=FORMAT)

    def relation(self, name: str) -> Relation | None:
        """Return a relation; None when there is none of that name."""
        return next((one for one in self.relations if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of a database is the application's.

    Attributes:
        role: The role that its code logs in as.
        schemas: The application's schemas; empty for all but the system's.
        without: Schemas, or tables as `schema.table`, that are the migrator's own; the names as
            they are, without quotes.
    """

    role: str
    schemas: tuple[str, ...] = ()
    without: tuple[str, ...] = ("drizzle", "deploy")
