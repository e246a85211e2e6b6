"""The blocks open real doors: Google's own client, the registry's token, the database's URL."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from blocks.app_database import AppDatabase
from blocks.artifact_registry import ArtifactRegistry
from deployments.documents import gcp_project, target_host
from deployments.facts import BlockFacts, read_world
from deployments.login import read_login
from rollout.errors import ConfigInvalid, SecretUnusable
from rollout.executors.registry import Registry
from rollout.model.command import Command

if TYPE_CHECKING:
    from blocks.gcp_project import GcpProject

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def facts() -> BlockFacts:
    return read_world(Path(os.environ["REHEARSAL_WORLD"]))


@pytest.fixture(scope="module")
def project(facts: BlockFacts) -> GcpProject:
    return gcp_project(facts.gcp_project)


def test_a_host_answers_through_its_block(facts: BlockFacts):
    with target_host(facts).executor() as host:
        assert host.run(Command(("id", "--user", "--name"))).stdout.strip() == "deploy"


def test_a_token_of_the_project_opens_the_registry(facts: BlockFacts, project: GcpProject):
    login = ArtifactRegistry(gcp=project, **facts.artifact_registry.model_dump()).login()

    assert login.repository("web") == "us-central1-docker.pkg.dev/trovella-shared/trovella/web"
    assert Registry(login).digest("never-pushed", "latest") is None


def test_a_key_that_google_does_not_know_is_told(facts: BlockFacts, tmp_path: Path):
    account = json.loads(Path(facts.gcp_project.service_account_file).read_text())
    stranger = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account | {"private_key": stranger.decode()}))
    project = gcp_project(facts.gcp_project.model_copy(update={"service_account_file": str(path)}))

    with pytest.raises(ConfigInvalid) as raised:
        project.access_token()

    assert "Google refuses the credentials" in raised.value.problem
    assert "PRIVATE KEY" not in str(raised.value)


def test_the_database_is_reached_where_the_worker_reaches_it(
    facts: BlockFacts, project: GcpProject
):
    block = AppDatabase(gcp=project, **facts.app_database.model_dump())

    address = block.address()

    assert "@10.77.0.11:5432/" in address.url.reveal()
    assert "@" not in repr(address)


def test_a_missing_url_is_told(project: GcpProject):
    block = AppDatabase(gcp=project, url_secret="trovella-nowhere")

    with pytest.raises(SecretUnusable, match="trovella-nowhere"):
        block.address()


def test_a_ci_job_reads_the_servers_login_with_its_identity(
    monkeypatch: pytest.MonkeyPatch, facts: BlockFacts
):
    world = json.loads(Path(os.environ["REHEARSAL_WORLD"]).read_text())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", world["service_account_key"])
    secret = "projects/trovella-prod/secrets/trovella-better-auth-secret"
    monkeypatch.setenv("PREFECT_AUTH_SECRET", secret)

    assert len(read_login()) > 8
