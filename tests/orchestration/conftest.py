"""One Prefect server for all tests of this folder, with the project's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.orchestration.prefect_server import (
    POOL,
    Server,
    clean_environment,
    free_port,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Generator

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.prefect)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A server on SQLite, and a client of it."""
    from prefect.client.orchestration import get_client
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import temporary_settings

    home = tmp_path_factory.mktemp("prefect")
    with serving(clean_environment(home), free_port()) as running:
        with temporary_settings(_client_settings(running)):
            client = get_client(sync_client=True)
        with client as running.client:
            yield running
        # What is still on its way to the server would be tried again for a minute without it.
        APILogHandler().flush()


@pytest.fixture(autouse=True)
def _as_its_client(server: Server) -> Generator[None]:
    """Let this process be the server's client, for this folder's tests and no longer."""
    from prefect.settings import temporary_settings

    with temporary_settings(_client_settings(server)):
        yield


def _client_settings(server: Server) -> dict[Any, Any]:
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME

    return {PREFECT_API_URL: server.url, PREFECT_HOME: server.environment["PREFECT_HOME"]}


@pytest.fixture(scope="module")
def deployments(server: Server) -> Server:
    """The deployments of `sample_flows.py`, in a pool of their own.

    Declared for each module: the tests of registering give the same names to the real flows.
    """
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.utilities.callables import parameter_schema

    from tests.orchestration import sample_flows

    server.client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    for flow in (sample_flows.deploy, sample_flows.rollback, sample_flows.change):
        server.client.create_deployment(
            server.client.create_flow_from_name(flow.name),
            name="production",
            work_pool_name=POOL,
            entrypoint=f"tests.orchestration.sample_flows.{flow.name}",
            parameters={} if flow is sample_flows.change else {"environment": "production"},
            parameter_openapi_schema=parameter_schema(flow).model_dump(exclude_unset=True),
            enforce_parameter_schema=True,
            pull_steps=[],
        )
    return server
