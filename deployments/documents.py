"""Block documents: made from facts, saved under the names that the environment's file gives."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.auth.exceptions import GoogleAuthError
from prefect.exceptions import ObjectNotFound
from prefect_gcp.credentials import GcpCredentials  # pyright: ignore[reportMissingTypeStubs]
from pydantic import SecretStr, ValidationError

from blocks.app_database import AppDatabase
from blocks.artifact_registry import ArtifactRegistry
from blocks.gcp_project import GcpProject
from blocks.loading import first_problem
from blocks.target_host import TargetHost
from rollout.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.blocks.core import Block
    from prefect.client.orchestration import PrefectClient

    from deployments.facts import BlockFacts, HostFacts, ProjectFacts
    from rollout.config import Blocks

KINDS: tuple[type[Block], ...] = (TargetHost, GcpProject, ArtifactRegistry, AppDatabase)


async def save_blocks(
    names: Blocks,
    further: tuple[str, ...],
    facts: BlockFacts,
    *,
    replace: bool,
    client: PrefectClient,
) -> list[str]:
    """Save the environment's blocks.

    Args:
        names: What they are called.
        further: What those of the hosts beside the first are called.
        facts: What they are made of.
        replace: Whether one that exists is written again; else it is left as it is.
        client: An open client of the server.

    Returns:
        One line for each block, saying what was done.

    Raises:
        ConfigInvalid: When a key file cannot be read, a value does not fit its block, or the facts
            have not as many hosts as there are names.
    """
    hosts = facts.hosts(names.target_host, further)

    async def save(name: str, kind: type[Block], make: Callable[[], Block]) -> str:
        if not replace and await _exists(kind, name, client):
            return f"block {kind.get_block_type_slug()}/{name}: kept as it is"
        block = _checked(make, f"block {kind.get_block_type_slug()}/{name}")
        await block.asave(name, overwrite=True, client=client)
        return f"block {kind.get_block_type_slug()}/{name}: saved"

    for name, host in hosts.items():
        if replace or not await _exists(TargetHost, name, client):
            # What is wrong with its key is told before anything is saved.
            _checked(partial(target_host, facts, host), f"block target-host/{name}")
    told = [await save(names.gcp_project, GcpProject, lambda: gcp_project(facts.gcp_project))]
    # The others refer to the saved project, so that new credentials are given in one place.
    project = await GcpProject.aload(names.gcp_project, client=client)
    for name, host in hosts.items():
        told.append(await save(name, TargetHost, partial(target_host, facts, host, project)))
    registry, database = facts.artifact_registry.model_dump(), facts.app_database.model_dump()
    told += [
        await save(
            names.artifact_registry,
            ArtifactRegistry,
            lambda: ArtifactRegistry(gcp=project, **registry),
        ),
        await save(names.app_database, AppDatabase, lambda: AppDatabase(gcp=project, **database)),
    ]
    if names.scratch_database is not None:
        scratch = facts.scratch_server(names.scratch_database).model_dump()
        make = lambda: AppDatabase(gcp=project, **scratch)  # noqa: E731
        told.append(await save(names.scratch_database, AppDatabase, make))
    return told


def target_host(
    facts: BlockFacts, host: HostFacts | None = None, project: GcpProject | None = None
) -> TargetHost:
    """Return the block of a host, with the key that its facts name.

    Args:
        facts: What the blocks are made of.
        host: Which host; None takes the first.
        project: Who asks for the key that the host must show, where the facts do not name it; None
            makes it from the facts.
    """
    host = host or facts.target_host
    fields: dict[str, Any] = host.model_dump(exclude={"private_key_file"})
    key = _text(host.private_key_file)
    if not host.host_key:
        fields["gcp"] = project or gcp_project(facts.gcp_project)
    return TargetHost(private_key=SecretStr(key), **fields)


def gcp_project(facts: ProjectFacts) -> GcpProject:
    """Return the block of the project; without a key file it uses the machine's identity."""
    key = facts.service_account_file
    credentials = GcpCredentials.model_validate({"service_account_info": _text(key)} if key else {})
    return GcpProject(
        project=facts.project,
        credentials=credentials,
        secret_manager_endpoint=facts.secret_manager_endpoint,
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise ConfigInvalid(path, f"cannot be read: {error.strerror}") from None


def _checked(make: Callable[[], Block], path: str) -> Block:
    try:
        return make()
    except ValidationError as error:
        raise ConfigInvalid(path, first_problem(error)) from None
    except GoogleAuthError as error:
        raise ConfigInvalid(path, f"its credentials cannot be used: {error}") from None


async def _exists(kind: type[Block], name: str, client: PrefectClient) -> bool:
    try:
        await client.read_block_document_by_name(
            name, kind.get_block_type_slug(), include_secrets=False
        )
    except ObjectNotFound:
        return False
    return True
