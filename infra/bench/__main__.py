"""`bin/bench`: deploys in three ways in turn, rollbacks warm and cold, broken releases refused."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from infra.bench.figures import Sample, document, sentence, table, total
from infra.bench.hosts import rolls
from infra.bench.hosts_figures import hosts_table
from infra.bench.recovery import go_back, refuse
from infra.bench.recovery_figures import recovery_document, recovery_table
from infra.bench.stand import describe_client, describe_machine, next_version, server, settings
from infra.bench.ways import measure, ours, plain, rolling
from infra.rehearsal.shell import RehearsalError, say

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 3
RATE_PER_S = 20.0
DEPLOYS, RETURNS, REFUSALS = PARTS = ("deploys", "returns", "refusals")
PLAIN, ROLLING = ("plain", "10.77.0.71"), ("rolling", "10.77.0.72")


def bench(rounds: int, rate_per_s: float, parts: Sequence[str], *, as_json: bool) -> None:
    """Stand up, warm up, measure each part in turn, and print the figures."""
    ours(next_version())
    deploys, machine = _deploys(rounds, rate_per_s) if DEPLOYS in parts else ([], {})
    returns = go_back(rounds, rate_per_s) if RETURNS in parts else []
    refusals = refuse(rounds, rate_per_s) if REFUSALS in parts else []
    told = [table(deploys, machine, rate_per_s)] if deploys else []
    if returns or refusals:
        told.append(recovery_table(returns, refusals, rate_per_s))
    text = "\n\n".join(told)
    if as_json:
        say(text)
        known = document(deploys, machine, rate_per_s) if deploys else {"rate_per_s": rate_per_s}
        print(json.dumps(known | recovery_document(returns, refusals)), flush=True)
    else:
        print(text, flush=True)


def _deploys(rounds: int, rate_per_s: float) -> tuple[list[Sample], dict[str, str]]:
    """Deploy the same commits in the three ways; return that, and what the machine is."""
    with server(*PLAIN) as first, server(*ROLLING) as second:
        machine = describe_machine(first)
        samples: list[Sample] = []
        for number in range(1, rounds + 1):
            version = next_version()
            address = settings().verify.url
            one = partial(measure, number=number, version=version, rate_per_s=rate_per_s)
            samples += (
                one("plain", url=first.url, deploy=partial(plain, first)),
                one("rolling", url=second.url, deploy=partial(rolling, second)),
                one("ours", url=address, deploy=partial(ours, version)),
            )
            say(f"  round {number} of {rounds} is done")
    return samples, machine


def soak(deploys: int, rate_per_s: float, *, as_json: bool) -> None:
    """Deploy one commit after the other in our way, under load, and print what was lost of all."""
    ours(next_version())
    samples: list[Sample] = []
    for number in range(1, deploys + 1):
        version = next_version()
        samples.append(
            measure(
                "ours",
                number=number,
                version=version,
                url=settings().verify.url,
                rate_per_s=rate_per_s,
                deploy=partial(ours, version),
            )
        )
        last = samples[-1]
        say(f"  deploy {number} of {deploys}: {last.sent} requests, {last.lost} lost")
    told = total(samples, rate_per_s)
    print(json.dumps(told) if as_json else sentence(told), flush=True)


def roll(*, as_json: bool) -> None:
    """Bring a release to simulated hosts, few and many, and print what that took."""
    machine = describe_client()
    done = rolls()
    text = hosts_table(done, machine)
    if as_json:
        say(text)
        told = {"machine": machine, "rolls": [asdict(one) for one in done]}
        print(json.dumps(told), flush=True)
    else:
        print(text, flush=True)


def main() -> int:
    """Do what the command line says; return 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default %(default)s")
    parser.add_argument(
        "--rate", type=float, default=RATE_PER_S, help="requests a second; default %(default)s"
    )
    parser.add_argument(
        "--soak", type=int, metavar="N", help="N deploys in a row in our way only: what is lost"
    )
    parser.add_argument(
        "--hosts", action="store_true", help="a release to 1 to 100 simulated hosts, nothing else"
    )
    parser.add_argument(
        "--of", choices=PARTS, action="append", help="one part only; may be given again"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one line: machine, samples, medians; docs/performance.md names its keys",
    )
    given = parser.parse_args()
    if min(given.rounds, given.soak or 1) < 1 or given.rate <= 0:
        parser.error("--rounds and --soak should be 1 or more, and --rate above 0")
    try:
        if given.hosts:
            roll(as_json=given.json)
            return 0
        if given.soak:
            soak(given.soak, given.rate, as_json=given.json)
            return 0
        bench(given.rounds, given.rate, given.of or PARTS, as_json=given.json)
    except RehearsalError as error:
        say(f"bench: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
