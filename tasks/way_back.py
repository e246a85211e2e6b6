"""What is looked at before a release is left for the one before: evidence, and the schema."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import PrefectException

from blocks import load_app_database
from rollout.commands.bundle import bundle_command, parse_bundle
from rollout.commands.contracts import parse_contracts, read_contracts_command
from rollout.decide.candidates import contract_of
from rollout.decide.compatible.judge import compatible
from rollout.decide.scope import decide_scope
from rollout.decide.way_back import WayBack, decide_way_back, same_schema
from rollout.errors import RolloutError
from rollout.executors.database import Database
from rollout.executors.outside import look_outside
from rollout.model.finding import Finding
from rollout.model.layout import Layout
from rollout.render.bundle import render_bundle
from tasks.masks import mask_of
from tasks.target import tell

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.contract import Contract
    from rollout.model.judgement import Judgement
    from rollout.model.release import Release


def keep_evidence(host: Host, settings: Environment, release: Release) -> None:
    """Show, beside the run, what is seen of a release before it is left.

    Whatever goes wrong with it is a warning: it must not keep a run from going back.
    """
    application = settings.application
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            outside = beside.submit(look_outside, settings.verify, requests=0)
            answer = host.run(bundle_command(application.project, application.proxy))
            bundle, mask = parse_bundle(answer.stdout), mask_of(settings, release)
            markdown = render_bundle(release, bundle, outside.result(), mask)
        create_markdown_artifact(
            key="evidence",
            markdown=markdown,
            description=f"what was seen of release {release.number} before it was left",
        )
    except (RolloutError, HTTPError, PrefectException) as error:
        tell(f"warning: the evidence is not whole: {error}")


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
