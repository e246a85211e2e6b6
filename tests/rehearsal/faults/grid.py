"""The grid: every fault at every boundary of a plan, and its table."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.rehearsal.faults.breaking import FAULTS
from tests.rehearsal.faults.cell import Cell, boundaries, run_cell
from tests.rehearsal.faults.runs import RUN_FAULTS, prepare
from tests.rehearsal.faults.runs import run_cell as run_whole
from tests.rehearsal.faults.target import serving_target

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = ("retry", "new run")


def run_steps(only: str = "", *, back: bool = False) -> Iterator[Cell]:
    """Yield each cell of the plan's grid as it was seen; the two ways to converge take turns.

    Args:
        only: A regular expression that `FAULT: before STEP` must contain.
        back: Whether the plan is a rollback's; else it is a deploy's.
    """
    with serving_target() as target:
        names = boundaries(target, back=back)
        for at, name in enumerate(names):
            for number, fault in enumerate(FAULTS, at):
                if re.search(only, f"{fault.name}: before {name}"):
                    yield run_cell(target, fault, at, names, WAYS[number % 2], back=back)


def run_phases(only: str = "") -> Iterator[Cell]:
    """Yield each cell of the whole run's grid as it was seen.

    Args:
        only: A regular expression that `FAULT: in PHASE` must contain.
    """
    chosen = [one for one in RUN_FAULTS if re.search(only, f"{one.name}: in {one.phase}")]
    if chosen:
        prepare()
    for fault in chosen:
        yield run_whole(fault)


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
