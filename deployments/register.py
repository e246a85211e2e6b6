"""`python -m deployments.register --environment NAME`: everything that Prefect must know, in place.

Block types and documents, the work pool, the deployments of `prefect.yaml` for that environment,
the automation that finds runs whose process is gone, and those that tell of failures. Every part is
declared, none is added up: running it again changes nothing. One process and one client, because
each call of Prefect's CLI costs three seconds.

A production's block documents are made once, from the file given with `--blocks`
(`deployments/facts.py` shows one), and never written again unless `--replace-blocks` says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker

from deployments.automations import declare_zombie_automation
from deployments.documents import KINDS, save_blocks
from deployments.entries import Entry, decide_entries, load_flow, read_entries
from deployments.facts import BlockFacts, read_facts, read_world
from deployments.needed import demand_settings
from deployments.notifications import declare_notifications
from rollout.errors import RolloutError
from rollout.executors.files import read_environment
from rollout.render.form import choices_of, with_choices

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

ROOT = Path(__file__).resolve().parent.parent
POOL_DESCRIPTION = "Runs of this project, as processes of a worker that drains when it is stopped."


async def register(environment: str, facts: BlockFacts | None, *, replace: bool) -> list[str]:
    """Put everything in place for one environment.

    Args:
        environment: Name of a file in `deployments/`.
        facts: What its blocks are made of; None registers their types only.
        replace: Whether blocks that exist are written again.

    Returns:
        One line for each part, saying what was done.
    """
    settings = read_environment(environment)
    names = settings.blocks
    known = read_entries(ROOT / "prefect.yaml", environment)
    entries, left_out = decide_entries(known, settings)
    async with get_client() as client:
        for kind in KINDS:
            await kind.aregister_type_and_schema(client=client)
        told = [f"block types: {', '.join(kind.get_block_type_slug() for kind in KINDS)}"]
        if facts is not None:
            further = settings.hosts.further
            told += await save_blocks(names, further, facts, replace=replace, client=client)
        for pool in sorted({entry.work_pool.name for entry in entries}):
            told.append(await _declare_pool(pool, client))
        told += [await _declare_deployment(entry, client) for entry in entries]
        told += left_out
        told.append(await declare_zombie_automation(client))
        told += await declare_notifications(
            environment,
            settings.notifications.webhook_block,
            facts.notifications if facts else None,
            replace=replace,
            client=client,
        )
    return told


async def _declare_pool(name: str, client: PrefectClient) -> str:
    pool = WorkPoolCreate(
        name=name,
        type=ProcessWorker.type,
        description=POOL_DESCRIPTION,
        base_job_template=ProcessWorker.get_default_base_job_template(),
    )
    await client.create_work_pool(pool, overwrite=True)
    return f"work pool {name}"


async def _declare_deployment(entry: Entry, client: PrefectClient) -> str:
    flow = load_flow(entry.entrypoint)
    schema = parameter_schema(flow).model_dump(exclude_unset=True)
    await client.create_deployment(
        flow_id=await client.create_flow_from_name(flow.name),
        name=entry.name,
        version=flow.version,
        entrypoint=entry.entrypoint,
        description=entry.description,
        tags=entry.tags,
        parameters=entry.parameters,
        parameter_openapi_schema=with_choices(schema, await _offered(flow.name, entry, client)),
        enforce_parameter_schema=True,
        work_pool_name=entry.work_pool.name,
        job_variables={},
        pull_steps=[],
        schedules=[
            DeploymentScheduleCreate(
                schedule=CronSchedule(cron=one.cron, timezone=one.timezone), active=one.active
            )
            for one in entry.schedules
        ],
    )
    return f"deployment {flow.name}/{entry.name}"


async def _offered(flow: str, entry: Entry, client: PrefectClient) -> tuple[str, ...]:
    """Return the releases that the form offers already: only runs know them."""
    try:
        known = await client.read_deployment_by_name(f"{flow}/{entry.name}")
    except ObjectNotFound:
        return ()
    return choices_of(known.parameter_openapi_schema or {})


def _facts(environment: str, blocks: Path | None) -> BlockFacts | None:
    world = os.environ.get("REHEARSAL_WORLD", "")
    if blocks is not None:
        return read_facts(blocks)
    return read_world(Path(world)) if _is_rehearsed(environment) and world else None


def _is_rehearsed(environment: str) -> bool:
    return environment in {"rehearsal", "rehearsal-staging", "rehearsal-fleet"}


def main() -> int:
    """Read the command line and register; 0 when everything is in place."""
    parser = argparse.ArgumentParser(prog="deployments.register", description=__doc__)
    parser.add_argument("--environment", required=True, help="a file in deployments/")
    parser.add_argument("--blocks", type=Path, help="a TOML file with what the blocks are made of")
    parser.add_argument(
        "--replace-blocks", action="store_true", help="write blocks again that exist"
    )
    options = parser.parse_args()
    try:
        demand_settings("Nothing was registered.")
        facts = _facts(options.environment, options.blocks)
        # A rehearsal that was stood up again has new keys under the same names.
        replace = options.replace_blocks or _is_rehearsed(options.environment)
        told = asyncio.run(register(options.environment, facts, replace=replace))
    except RolloutError as error:
        print(f"register: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(
            f"register: Prefect's API did not answer at {get_current_settings().api.url}: {error}\n"
            "left: What was registered before the failure stays; all of it is declared again.\n"
            "next: Start the server, or correct PREFECT_API_URL, and register again.",
            file=sys.stderr,
        )
        return 1
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
