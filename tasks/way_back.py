"""Whether a release may be left for the one before: what is looked at to know that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger

from blocks import load_app_database
from rollout.commands.contracts import parse_contracts, read_contracts_command
from rollout.decide.candidates import contract_of
from rollout.decide.compatible.judge import compatible
from rollout.decide.scope import decide_scope
from rollout.decide.way_back import WayBack, decide_way_back, same_schema
from rollout.errors import RolloutError
from rollout.executors.database import Database
from rollout.model.finding import Finding
from rollout.model.layout import Layout

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.contract import Contract
    from rollout.model.judgement import Judgement
    from rollout.model.release import Release


def way_back(host: Host, settings: Environment, left: Release, former: Release) -> WayBack:
    """Return whether the release before may be taken up again.

    Args:
        host: Where both are.
        settings: The environment.
        left: What was refused.
        former: What served before it.
    """
    if same_schema(left, former):
        return WayBack(open=True)
    way = decide_way_back(former, _known(host, settings, former))
    if way.told:
        get_run_logger().warning(way.told)
    return way


def _known(host: Host, settings: Environment, former: Release) -> Judgement | Finding:
    """Return how far a release's code can live with the live schema, or why nobody knows."""
    try:
        answer = host.check(
            read_contracts_command(Layout(settings.application.directory)),
            "the schema contracts could not be read",
            next_step="Log in to the host and look.",
        )
        contract = contract_of(parse_contracts(answer.stdout), former.number)
        if isinstance(contract, Finding):
            return contract
        return compatible(contract, _live(settings))
    except RolloutError as error:
        told = error.true.splitlines()[0]
        return Finding("schema-unread", told, "the database", error.next_step)


def _live(settings: Environment) -> Contract:
    address = load_app_database(settings.blocks.app_database).address()
    with Database(address, get_run_logger().info) as database:
        return database.contract(decide_scope(settings.migrations, database.user))
