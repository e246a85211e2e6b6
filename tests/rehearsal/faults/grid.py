"""The grid: every fault at every boundary of a plan, and its table."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.rehearsal.faults.breaking import FAULTS
from tests.rehearsal.faults.cell import Cell, boundaries, run_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rehearsal.faults.target import Target

WAYS = ("retry", "new run")


def run_grid(target: Target, only: str = "") -> Iterator[Cell]:
    """Yield each cell as it was seen; the two ways to converge take turns.

    Args:
        target: A VM that serves.
        only: A regular expression that `FAULT: BOUNDARY` must contain.
    """
    names = boundaries(target)
    chosen = [
        (fault, at)
        for fault in FAULTS
        for at in range(len(names))
        if re.search(only, f"{fault.name}: before {names[at]}")
    ]
    for fault, at in chosen:
        yield run_cell(target, fault, at, names, WAYS[at % 2])


def line(cell: Cell) -> str:
    """Return a cell as one line of JSON."""
    return json.dumps(asdict(cell))


def row(cell: Cell) -> str:
    """Return a cell as a row of a table for people."""
    verdict = "green" if not cell.problems else "RED"
    return (
        f"{verdict:<6} {cell.fault:<22} {cell.boundary:<56} {cell.ended:<16} {cell.served:<4} "
        f"{cell.converged:<8} lost {cell.lost:<3} {cell.seconds:5.1f} s"
    )
