"""Trials: statements that a release's code would send, and what a database said to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that the code would do, as the statements that it would send.

    Attributes:
        name: What it does, in words: `insert public.note, body NULL`.
        statements: What is sent, in order; the last one's answer counts.
        keeps: Whether the rows that it leaves are there for the trials after it.
        relation: What it is about, in full.
    """

    name: str
    statements: tuple[str, ...]
    keeps: bool = False
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a database said to a trial.

    Attributes:
        trial: The trial's name.
        statement: The statement that was refused, or else the last one.
        sqlstate: The refusal's code; empty when nothing was refused.
        rows: How many rows the last statement was about.
        types: The types of the columns that came back, as PostgreSQL names them.
        relation: What the trial is about, in full.
    """

    trial: str
    statement: str
    sqlstate: str = ""
    rows: int = 0
    types: tuple[str, ...] = ()
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A statement that shows a difference.

    Attributes:
        trial: What was tried.
        statement: The statement.
        says: What is different, as a lower-case fragment.
        sqlstate: The refusal's code; empty when it was not refused.
        decodes_only: Whether it was taken as before, and only the type that is read is another.
        relation: What the trial is about, in full.
    """

    trial: str
    statement: str
    says: str
    sqlstate: str = ""
    decodes_only: bool = False
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came of trying a code's statements with two schemas.

    Attributes:
        tried: How many were tried with both.
        witnesses: Those that show a difference.
        taken: For each relation how many of its statements the schema before took; one that it
            refused as well shows nothing.
        closed: Tables that took no insert before either, in full: what would break writing to them
            cannot be shown.
    """

    tried: int = 0
    witnesses: tuple[Witness, ...] = ()
    taken: Mapping[str, int] = field(default_factory=dict[str, int])
    closed: frozenset[str] = frozenset()

    @property
    def witness(self) -> Witness | None:
        """Return the statement that shows the most; None when nothing was met otherwise."""
        ordered = sorted(self.witnesses, key=lambda one: (one.decodes_only, not one.sqlstate))
        return ordered[0] if ordered else None
