"""`bin/schema compare` and `bin/schema candidates`: releases against the live schema.

Both read the host once and the database once, and change nothing. What a release's code needs is
the contract that it was deployed with; `docs/contract.md` says what the grades and rules mean.

`compare --json` prints one object on one line, whose keys stay: `environment`, `release`,
`version`, `grade`, and `reasons`, each with `grade`, `rule`, `where`, `consequence` and `help`.
`candidates --json` prints `environment` and `releases`, newest first, each with `number`,
`version`, `stage`, `on_host`, `serves`, `grade` (null without a contract), `reasons` as above, and
`no_contract`, which says why there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blocks import load_app_database, load_target_host
from deployments.server import demand_address
from rollout.commands.contracts import parse_contracts, read_contracts_command
from rollout.commands.host import NOT_PREPARED
from rollout.decide.candidates import contract_of, find_release, judge_candidates
from rollout.decide.compatible.judge import compatible
from rollout.decide.scope import decide_scope
from rollout.errors import CommandFailed, Refused
from rollout.executors.files import read_environment
from rollout.model.finding import Finding, Refuse
from rollout.model.host import StoredContracts
from rollout.model.layout import Layout
from rollout.render.schema import (
    candidates_json,
    comparison_json,
    render_candidates,
    render_comparison,
)

if TYPE_CHECKING:
    import argparse

    from rollout.config import Environment
    from rollout.model.contract import Contract

MAY_NOT_SERVE = 1


def add_to(commands: argparse._SubParsersAction[Any]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add both commands."""
    one = commands.add_parser(
        "compare",
        help="one release against the live schema; 0 for OK and LOW, 1 for RISK and BREAK",
        description=__doc__,
    )
    one.add_argument("release", help="its number, or 7 to 40 digits of its commit")
    one.set_defaults(run=_compare)
    each = commands.add_parser(
        "candidates",
        help="each release of the ledger: whether its image is compatible, or what breaks",
        description=__doc__,
    )
    each.set_defaults(run=_candidates)
    for parser in (one, each):
        parser.add_argument("--environment", default="production", help="a file in deployments/")
        parser.add_argument("--json", action="store_true", help="one JSON object on one line")


def _compare(options: argparse.Namespace) -> int:
    settings = read_environment(options.environment)
    stored = read_stored(settings)
    release = find_release(stored, options.release, settings)
    if isinstance(release, Refuse):
        raise Refused("comparing", release.findings)
    contract = contract_of(stored, release.number)
    if isinstance(contract, Finding):
        raise Refused("comparing", (contract,))
    judged = compatible(contract, read_live(settings))
    if options.json:
        print(comparison_json(settings.name, release, judged))
    else:
        print(render_comparison(release, judged))
    return 0 if judged.may_serve else MAY_NOT_SERVE


def _candidates(options: argparse.Namespace) -> int:
    settings = read_environment(options.environment)
    found = judge_candidates(read_stored(settings), read_live(settings), settings)
    render = candidates_json if options.json else render_candidates
    print(render(settings.name, found))
    return 0


def read_stored(settings: Environment) -> StoredContracts:
    """Return what the environment's host keeps; nothing when it was never prepared.

    Raises:
        RolloutError: When the block is missing, or the host cannot be reached or read.
    """
    command = read_contracts_command(Layout(settings.application.directory))
    demand_address()
    with load_target_host(settings.blocks.target_host).executor() as host:
        answer = host.run(command)
    if answer.exit_code == NOT_PREPARED:
        return StoredContracts()
    if not answer.ok:
        raise CommandFailed(
            "the schema contracts could not be read",
            answer,
            next_step="Log in to the host and look.",
        )
    return parse_contracts(answer.stdout)


def read_live(settings: Environment) -> Contract:
    """Return the contract of the environment's database as it is.

    Raises:
        RolloutError: When the block is missing, or the database cannot be reached or read.
    """
    from rollout.executors.database import Database  # noqa: PLC0415 - import cost, as in blocks

    address = load_app_database(settings.blocks.app_database).address()
    with Database(address, lambda _: None) as database:
        return database.contract(decide_scope(settings.migrations, database.user))
