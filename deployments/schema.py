"""`bin/schema COMMAND`: what the live schema means for releases; `--help` lists the commands.

An error is told in three parts: what is true, what was left, what to do next. The exit status is 0
where the answer is good, 1 where it is not, and 2 where there is none.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments import schema_corrective, schema_judge, schema_releases
from deployments.here import demand_linux
from deployments.server import UNANSWERED, unanswered
from rollout.errors import RolloutError

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_ANSWER = 2

# Each adds its commands, which set `run`: options to exit status.
COMMANDS = (schema_releases.add_to, schema_corrective.add_to, schema_judge.add_to)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="bin/schema", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add_to in COMMANDS:
        add_to(commands)
    options = parser.parse_args(arguments)
    try:
        demand_linux()
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            return options.run(options)
    except RolloutError as error:
        print(f"schema: {error}", file=sys.stderr)
    except UNANSWERED as error:
        print(f"schema: {unanswered(error)}", file=sys.stderr)
    return NO_ANSWER


if __name__ == "__main__":
    sys.exit(main())
