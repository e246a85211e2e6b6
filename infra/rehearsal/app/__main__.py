"""Write the application's history: `python -m infra.rehearsal.app create|commit FOLDER`.

Prints the commit that `main` names afterwards; exits with 1 when there is none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from infra.rehearsal.app import Fault, Kind, commit, create
from infra.rehearsal.shell import RehearsalError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.rehearsal.app", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    creating = verbs.add_parser("create", help="make the repository, or leave it as it is")
    creating.add_argument("--kind", choices=get_args(Kind), default="plain")
    committing = verbs.add_parser("commit", help="add the next commit")
    committing.add_argument("--break", dest="fault", choices=get_args(Fault))
    for verb in (creating, committing):
        verb.add_argument("repository", type=Path)
    return parser


def main() -> int:
    """Do what the command line says and return the exit status."""
    asked = _parser().parse_args()
    try:
        made = (
            create(asked.repository, asked.kind)
            if asked.verb == "create"
            else commit(asked.repository, asked.fault)
        )
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return 1
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
