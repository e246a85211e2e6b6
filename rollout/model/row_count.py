"""How many rows a table has."""

from __future__ import annotations

from dataclasses import dataclass

COUNTED = 10_000
"""Up to how many rows they are counted; beyond that the server's estimate has to do."""


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows one table has.

    Attributes:
        table: The table in full, as SQL.
        rows: How many, those of its partitions counted in.
        is_exact: Whether they were counted; else it is what the server believes.
    """

    table: str
    rows: int
    is_exact: bool = True

    def describe(self) -> str:
        """Return the number as people read it.

        Example:
            >>> RowCount("a", 1200).describe(), RowCount("b", 20000, is_exact=False).describe()
            ('1,200', 'about 20,000')
        """
        return f"{self.rows:,}" if self.is_exact else f"about {self.rows:,}"
