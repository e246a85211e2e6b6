"""Pre-checks: what is asked of the rows before a statement is applied, and what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rollout.model.statement import Statement

BOUND = 1000
"""How many offending rows are counted; of more it is said that there are more."""

Counted = Literal["rows", "values", "nothing"]
Ending = Literal["answered", "refused", "too slow", "locked", "forbidden", "not asked"]


@dataclass(frozen=True, slots=True)
class Precheck:
    """One question to the rows that are there: would the server refuse a statement for them?

    Attributes:
        statement: The statement.
        offenders: Which rows, or values of rows, it would be refused for, as the rest of a
            sentence: `of note that have no value in title`.
        sqlstate: What the server says then.
        question: A query that returns one number: how many there are, at most one more than
            `BOUND`. Empty when nothing can be asked, and `doubt` says why.
        counts: What the number counts; `nothing` when the query only fails as the statement would.
        example: A query that returns the key of one of the rows, if any; empty where there is none.
        key: The columns of that key, as SQL.
        doubt: What keeps the answer from being sure, as a lower-case fragment; empty when it is.
        reads: The tables that are read, as schema and name.
    """

    statement: Statement
    offenders: str
    sqlstate: str
    question: str
    counts: Counted = "rows"
    example: str = ""
    key: tuple[str, ...] = ()
    doubt: str = ""
    reads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question.

    Attributes:
        precheck: The question.
        ending: `answered`; `refused` when working it out failed because of the rows' values;
            `forbidden` when the role may not read; `not asked` when there was no question, or the
            server did not take it.
        count: How many there are, at most one more than `BOUND`; 0 unless answered.
        key: The key of one of the rows, in the order of the question's; empty when it is not known.
        sqlstate: The server's code where the query failed; else empty.
        grants: What an administrator has to type so that it can be asked; else empty.
    """

    precheck: Precheck
    ending: Ending = "answered"
    count: int = 0
    key: tuple[str, ...] = ()
    sqlstate: str = ""
    grants: tuple[str, ...] = ()
