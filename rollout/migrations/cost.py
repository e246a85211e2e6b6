"""How long a statement may hold its lock, in words; and how big a table is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.statement import Effect, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.model.catalog import Catalog, Table

INSTANT = "an instant"
# What a modest Cloud SQL instance does in a second, in bytes of the table. Guesses on the slow
# side: they choose between words, and no two neighbouring words need be told apart.
_BYTES_PER_S: Mapping[Work, float] = {
    Work.ROWS: 10e6,
    Work.SCAN: 150e6,
    Work.INDEX_BUILD: 40e6,
    Work.REWRITE: 25e6,
}
_WORDS = (
    (1, "about a second"),
    (10, "some seconds"),
    (60, "up to a minute"),
    (600, "some minutes"),
    (3600, "up to an hour"),
)


def is_slow(effect: Effect, catalog: Catalog) -> bool:
    """Return whether the work takes longer than an instant: it grows, on a table not small."""
    return effect.work.grows and not catalog.is_small(effect.table)


def estimate(effect: Effect, catalog: Catalog) -> str:
    """Return in words how long the work takes.

    Args:
        effect: What is done to which table.
        catalog: The tables with their sizes.
    """
    if not is_slow(effect, catalog):
        return INSTANT
    table = catalog.tables.get(effect.table)
    if table is None:
        return "not known"
    seconds = table.size_bytes / _BYTES_PER_S[effect.work]
    return next((words for limit, words in _WORDS if seconds <= limit), "hours")


def size(table: Table) -> str:
    """Return a table's size for people.

    Example:
        >>> from rollout.model.catalog import Table
        >>> size(Table("public.note", rows=3_000_000, size_bytes=900_000_000))
        '3,000,000 rows, 900 MB'
    """
    rows = "rows never counted" if table.rows is None else f"{table.rows:,} rows"
    return f"{rows}, {table.size_bytes / 1e6:,.0f} MB"
