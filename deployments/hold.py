"""`bin/hold --reason WHY` and `bin/release-hold`: a person keeps deploys back, and lets them go on.

While somebody holds a target, every deploy and rollback of it is refused at once and told who does,
since when and why. A run that is at work is never touched: the hold waits for it or is refused.
"""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from blocks import load_target_host
from deployments.here import demand_linux
from deployments.server import UNANSWERED, demand_address, unanswered
from rollout.errors import ConfigInvalid, RolloutError
from rollout.executors import hold as executor
from rollout.executors.files import read_environment
from rollout.model.layout import Layout
from rollout.model.lease import Claim

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rollout.executors.host import Host

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def hold(environment: str, owner: str, reason: str, *, wait_s: int, for_s: int) -> str:
    """Keep deploys of an environment back and return a sentence that says so.

    Args:
        environment: Name of a file in `deployments/`.
        owner: Who does.
        reason: Why.
        wait_s: How long to wait for a run that is at work, in seconds; 0 does not wait.
        for_s: How long it shall last, in seconds; 0 means until it is released.

    Raises:
        LeaseHeld: When a run is at work, or somebody holds it already; names them.
        HostError: When the host cannot be used.
    """
    claim = Claim(uuid4().hex, owner, reason)
    with _target(environment) as (host, layout):
        holder = executor.hold(host, layout, claim, environment, wait_s=wait_s, for_s=for_s)
    free = f"bin/release-hold --environment {environment} lets deploys go on"
    return f"{environment} is held by {holder.describe()}; {free}"


def release(environment: str) -> str:
    """Let deploys of an environment go on and return a sentence that says who kept them back."""
    with _target(environment) as (host, layout):
        was = executor.release_hold(host, layout)
    if was is None:
        return f"{environment} was not held: nothing to release"
    return f"{environment} is free again; it was held by {was.describe()}"


@contextmanager
def _target(environment: str) -> Generator[tuple[Host, Layout]]:
    settings = read_environment(environment)
    demand_address()
    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        load_target_host(settings.blocks.target_host).executor() as host,
    ):
        yield host, Layout(settings.application.directory)


def duration_s(text: str) -> int:
    """Return how many seconds `90s`, `10m`, `2h` or `1d` are.

    Raises:
        argparse.ArgumentTypeError: When it is none of these.
    """
    match = re.fullmatch(r"(\d{1,4})([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"should be like 90s, 10m, 2h or 1d, not {text!r}")
    return int(match[1]) * _UNITS_S[match[2]]


def read_words(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what was asked for; a bad word ends the program with a usage message."""
    parser = argparse.ArgumentParser(prog="bin/hold, bin/release-hold", description=__doc__)
    ways = parser.add_subparsers(dest="way", required=True)
    keep, free = ways.add_parser("hold"), ways.add_parser("release-hold")
    for way in (keep, free):
        way.add_argument("--environment", default="production", help="a file in deployments/")
    keep.add_argument("--reason", required=True, help="what for; shown to everybody who is refused")
    keep.add_argument("--owner", default=getpass.getuser(), help="who (default: %(default)s)")
    keep.add_argument("--wait", type=duration_s, default=0, help="for a run at work, such as 10m")
    keep.add_argument("--for", type=duration_s, default=0, dest="lasts", help="such as 2h")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out what the words ask for; 0 when it was done."""
    asked = read_words(arguments)
    try:
        demand_linux()
        if asked.way == "release-hold":
            print(release(asked.environment))
            return 0
        if not asked.reason.strip():
            raise ConfigInvalid("--reason", "should say why")
        print(
            hold(
                asked.environment,
                asked.owner,
                asked.reason,
                wait_s=asked.wait,
                for_s=asked.lasts,
            )
        )
    except RolloutError as error:
        print(f"{asked.way}: {error}", file=sys.stderr)
        return 1
    except UNANSWERED as error:
        print(f"{asked.way}: {unanswered(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
