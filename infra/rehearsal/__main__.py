"""`bin/rehearse`: a production on this machine, and the real pipeline running through it."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from infra.rehearsal import world
from infra.rehearsal.app import Fault, Kind
from infra.rehearsal.paths import Rehearsal
from infra.rehearsal.rehearse import Order, rehearse
from infra.rehearsal.shell import RehearsalError, say


def parser() -> argparse.ArgumentParser:
    """Return what the command line may say."""
    made = argparse.ArgumentParser(prog="bin/rehearse", description=__doc__)
    made.add_argument("--name", default="main", help="which world; default %(default)s")
    made.add_argument("--commit", action="store_true", help="make the application's next commit")
    made.add_argument(
        "--break", dest="fault", choices=get_args(Fault), help="make a faulty next commit"
    )
    made.add_argument("--app", choices=get_args(Kind), help="which application; default plain")
    made.add_argument(
        "--json", action="store_true", help="the report as one line on standard output"
    )
    beside = made.add_mutually_exclusive_group()
    told = {
        "staging": "with a second host: deploy there, then promote",
        "fleet": "with three more hosts behind a balancer: deploy to those",
    }
    for name, what in told.items():
        beside.add_argument(f"--{name}", dest="beside", action="store_const", const=name, help=what)
    made.add_argument(
        "--prefect",
        choices=("programs", "compose"),
        default="programs",
        help="compose: Prefect runs on a machine of its own, is lost and restored afterwards",
    )
    made.add_argument("--up", action="store_true", help="stand the world up and deploy nothing")
    made.add_argument("--down", action="store_true", help="remove every trace of this world")
    made.add_argument(
        "--keep-cache", action="store_true", help="with --down: keep roots and images"
    )
    return made


def main() -> int:
    """Do what the command line says; return 0, the run's exit status, or 1 for our own failure."""
    asked = parser().parse_args()
    if not asked.name.isidentifier() or asked.name == "cache":
        parser().error("--name takes letters, digits and underscores, and not `cache`")
    rehearsal = Rehearsal(asked.name)
    order = Order(
        asked.app,
        asked.commit or asked.fault is not None,
        asked.fault,
        not asked.up,
        asked.beside,
        asked.prefect == "compose",
    )
    try:
        if asked.down:
            world.take_down(rehearsal, keep_cache=asked.keep_cache)
            return 0
        return rehearse(rehearsal, order, as_json=asked.json)
    except RehearsalError as error:
        say(f"rehearse: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
