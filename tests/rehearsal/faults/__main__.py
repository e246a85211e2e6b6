"""`python -m tests.rehearsal.faults`: the grid, in a rehearsal that stands; see bin/faults."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from itertools import chain

from tests.rehearsal.faults.grid import line, row, run_phases, run_steps

GRIDS = {"steps": run_steps, "back": partial(run_steps, back=True), "phases": run_phases}


def main() -> int:
    """Run what was asked for; 0 when all of it is green."""
    parser = argparse.ArgumentParser(prog="bin/faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON a cell")
    parser.add_argument("--only", default="", metavar="PATTERN", help="cells that match")
    parser.add_argument("--of", choices=GRIDS, action="append", help="one of the three grids")
    options = parser.parse_args()
    green = True
    for cell in chain.from_iterable(GRIDS[one](options.only) for one in options.of or GRIDS):
        print(line(cell) if options.json else row(cell), flush=True)
        for problem in cell.problems:
            print(f"       {problem}", file=sys.stderr, flush=True)
        green = green and not cell.problems
    return 0 if green else 1


if __name__ == "__main__":
    raise SystemExit(main())
