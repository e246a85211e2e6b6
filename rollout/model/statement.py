"""One SQL statement of a migration: where it stands and what it does, on two axes.

The first axis is what it costs while it runs: which locks it holds, and what work it does under
them. The second is what the code that serves now can still do afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file.

    Attributes:
        file: The file's path below the migrations folder.
        number: Which part of the file it stands in, counted from 1; a part may hold several.
        line: The line of the file that it begins on, counted from 1.
        text: The statement as it is written, without its semicolon.
        kind: What PostgreSQL's grammar calls it, such as `AlterTableStmt`.
    """

    file: str
    number: int
    line: int
    text: str
    kind: str

    @property
    def where(self) -> str:
        """Return its place for people."""
        return f"{self.file}, statement {self.number}, line {self.line}"


class Lock(IntEnum):
    """PostgreSQL's locks on a table, weakest first; the numbers are PostgreSQL's own.

    Source: PostgreSQL 15, 13.3 Explicit Locking and `lockdefs.h`.
    """

    NONE = 0
    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def title(self) -> str:
        """Return PostgreSQL's name as `pg_locks` spells it, without its `Lock`."""
        return self.name.title().replace("_", "") if self else "none"

    @property
    def blocks(self) -> str:
        """Return what of the application waits while it is held."""
        if self >= Lock.ACCESS_EXCLUSIVE:
            return "reads and writes"
        if self >= Lock.SHARE:
            return "writes"
        return "nothing"


class Work(StrEnum):
    """What a statement does with a table's rows while it holds its lock, cheapest first."""

    NONE = "none"
    NEW_FILE = "begins an empty file"
    ROWS = "changes rows"
    SCAN = "reads every row"
    INDEX_BUILD = "builds an index"
    REWRITE = "rewrites the table"

    @property
    def grows(self) -> bool:
        """Return whether it takes the longer the more rows there are."""
        return self not in {Work.NONE, Work.NEW_FILE}

    @property
    def weight(self) -> int:
        """Return its place from the cheapest to the dearest."""
        return list(Work).index(self)


class Compatibility(StrEnum):
    """What a statement means for the code that serves now, mildest first."""

    ADDITIVE = "additive"
    NEUTRAL = "neutral"
    LOW = "low"
    DATA = "data"
    CONDITIONAL = "conditional"
    UNKNOWN = "unknown"
    BREAKING = "breaking"

    @property
    def weight(self) -> int:
        """Return its place from the mildest to the worst."""
        return list(Compatibility).index(self)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement does to one table that was there before.

    Attributes:
        table: The table, as `schema.name`.
        lock: The strongest lock that it takes on it, held until its transaction ends.
        work: The dearest thing that it does with the rows meanwhile.
    """

    table: str
    lock: Lock
    work: Work = Work.NONE


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the code that serves now can expect.

    Attributes:
        compatibility: How bad it is.
        why: What happens to that code, as a lower-case fragment; empty when nothing does.
    """

    compatibility: Compatibility
    why: str = ""
