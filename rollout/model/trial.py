"""Trials: statements that a release's code would send, and what a database said to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that the code would do, as the statements that it would send.

    Attributes:
        name: What it does, in words: `insert public.note, body NULL`.
        statements: What is sent, in order; the last one's answer counts.
        keeps: Whether the rows that it leaves are there for the trials after it.
    """

    name: str
    statements: tuple[str, ...]
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a database said to a trial.

    Attributes:
        trial: The trial's name.
        statement: The statement that was refused, or else the last one.
        sqlstate: The refusal's code; empty when nothing was refused.
        rows: How many rows the last statement was about.
        types: The types of the columns that came back, as PostgreSQL names them.
    """

    trial: str
    statement: str
    sqlstate: str = ""
    rows: int = 0
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Witness:
    """A statement that shows a difference.

    Attributes:
        trial: What was tried.
        statement: The statement.
        says: What is different, as a lower-case fragment.
        sqlstate: The refusal's code; empty when it was not refused.
        decodes_only: Whether it was taken as before, and only the type that is read is another.
    """

    trial: str
    statement: str
    says: str
    sqlstate: str = ""
    decodes_only: bool = False
