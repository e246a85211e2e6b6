"""`bin/releases [ENVIRONMENT] [--json] [--limit N]`: what an environment has served, and serves.

Read from the host's own ledger over SSH, newest first; nothing is changed. Marked are the current
release and the one that a rollback would take. An error is one sentence, and the exit status is 1.

`--json` prints one object on one line, whose keys stay: `environment`; `live`, `current` and
`previous_good`, each a number or null; `since`, when the current one was activated; `releases`,
each with `number`, `version`, `image` (a digest), `stage`, `at`, `actor`, `reason`, `run_id`,
`migrations` (a number, or null when its folder is gone) and `on_host`. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from blocks import load_target_host
from deployments.here import demand_linux
from deployments.server import UNANSWERED, demand_address, unanswered
from rollout.commands.host import NOT_PREPARED, parse_host, read_host_command
from rollout.decide.overview import overview
from rollout.errors import CommandFailed, RolloutError
from rollout.executors.files import read_environment
from rollout.model.host import HostFacts
from rollout.render.releases import render_json, render_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.config import Environment

DEFAULT_LIMIT = 20


def read_releases(settings: Environment) -> HostFacts:
    """Return what the environment's host has; nothing when it was never prepared.

    Raises:
        RolloutError: When the block is missing, or the host cannot be reached or read.
    """
    application = settings.application
    demand_address()
    with load_target_host(settings.blocks.target_host).executor() as host:
        answer = host.run(read_host_command(application.directory, application.project))
    if answer.exit_code == NOT_PREPARED:
        return HostFacts()
    if not answer.ok:
        raise CommandFailed(
            "the releases could not be read", answer, next_step="Log in to the host and look."
        )
    return parse_host(answer.stdout)


def tell(environment: str, limit: int, *, as_json: bool) -> str:
    """Return what is printed.

    Raises:
        RolloutError: When anything that it needs cannot be read.
    """
    settings = read_environment(environment)
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        told = overview(read_releases(settings), settings)
    return render_json(told, limit) if as_json else render_table(told, limit)


def positive(text: str) -> int:
    """Return a number of releases.

    Raises:
        ArgumentTypeError: When it is none, or below one.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"should be a number from 1 on, not {text!r}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the releases; 0 when they could be read."""
    parser = argparse.ArgumentParser(prog="bin/releases", description=__doc__)
    parser.add_argument(
        "environment", nargs="?", default="production", help="a file in deployments/"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    parser.add_argument("--limit", type=positive, default=DEFAULT_LIMIT, help="how many releases")
    options = parser.parse_args(arguments)
    try:
        demand_linux()
        print(tell(options.environment, options.limit, as_json=options.json))
    except (RolloutError, *UNANSWERED) as error:
        told = error if isinstance(error, RolloutError) else unanswered(error)
        print(f"releases: {' '.join(told.true.split())}. {told.next_step}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
