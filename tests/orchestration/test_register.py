"""Registration declares: once or twice, by itself or by Prefect's CLI, it comes to the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

from blocks import load_block, load_target_host
from blocks.app_database import AppDatabase
from blocks.artifact_registry import ArtifactRegistry
from rollout.errors import ConfigInvalid
from rollout.executors.files import read_environment
from tests.orchestration.prefect_server import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prefect.client.schemas.objects import FlowRun

    from tests.orchestration.prefect_server import Server

SETTINGS = read_environment("production")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG8"
FLOWS = ("deploy", "rollback", "sync-secrets", "verify", "drift", "hold", "release-hold")
# What differs from one registration to the next without meaning anything.
ANEW = {"id", "created", "updated", "version_id", "version_info", "concurrency_limit_id",
        "global_concurrency_limit", "status", "last_polled"}  # fmt: skip


def _private(key: Any, form: serialization.PrivateFormat) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that an operator brings: two keys, and what names them."""
    folder = tmp_path_factory.mktemp("operator")
    host = _private(ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.OpenSSH)
    (folder / "deploy_key").write_text(host)
    google = _private(rsa.generate_private_key(65537, 2048), serialization.PrivateFormat.PKCS8)
    (folder / "account.json").write_text(
        json.dumps(
            {
                "type": "service_account", "project_id": "trovella-prod", "private_key": google,
                "client_email": "pipeline@trovella-prod.iam.gserviceaccount.com",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        )
    )  # fmt: skip
    (folder / "webhook_url").write_text("https://hooks.invalid/x")
    (folder / "blocks.toml").write_text(_facts(folder, "10.0.0.2"))
    return folder


def _facts(folder: Path, host: str) -> str:
    return f"""
[target_host]
host = "{host}"
host_key = "{HOST_KEY}"
private_key_file = "{folder}/deploy_key"
[gcp_project]
project = "trovella-prod"
service_account_file = "{folder}/account.json"
[artifact_registry]
project = "trovella-shared"
repository = "trovella"
[app_database]
url_secret = "trovella-database-url"
host = "127.0.0.1"
""" + "".join(_also_named(folder))


def _also_named(folder: Path) -> Iterator[str]:
    """Yield the tables that are wanted only where the file names a block of theirs."""
    if SETTINGS.blocks.scratch_database is not None:
        yield '[scratch_database]\nurl_secret = "trovella-scratch-database-url"\n'
    if SETTINGS.notifications.webhook_block:
        yield f'[notifications]\nurl_file = "{folder}/webhook_url"\n'
    for number, _ in enumerate(SETTINGS.hosts.further, start=11):
        yield f'[[further_hosts]]\nhost = "10.0.0.{number}"\nhost_key = "{HOST_KEY}"\n'
        yield f'private_key_file = "{folder}/deploy_key"\n'


def _register(server: Server, folder: Path, *words: str) -> str:
    done = server.python(
        "-m", "deployments.register", "--environment", "production",
        "--blocks", str(folder / "blocks.toml"), *words,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _deployment(server: Server, flow: str) -> dict[str, Any]:
    found = server.client.read_deployment_by_name(f"{flow}/production")
    told = found.model_dump(mode="json", exclude=ANEW)
    # A schedule is made anew each time.
    told["schedules"] = [(one["schedule"], one["active"]) for one in told["schedules"]]
    return told


@pytest.fixture(scope="module")
def registered(server: Server, folder: Path) -> str:
    """What the first registration said; its server is the session's."""
    return _register(server, folder)


def test_registering_again_changes_nothing_and_the_cli_agrees(
    server: Server, folder: Path, registered: str
):
    declared = {flow: _deployment(server, flow) for flow in FLOWS}
    (folder / "blocks.toml").write_text(_facts(folder, "10.0.0.3"))
    second = _register(server, folder)

    assert "block target-host/production-host: saved" in registered
    assert "deployment deploy/production" in registered
    # Only where the file says from which environment.
    promoted = SETTINGS.promotion is not None
    assert ("deployment promote/production" in registered.splitlines()) == promoted
    assert ("deployment promote/production: left out" in registered) != promoted
    assert "block target-host/production-host: kept as it is" in second
    assert load_target_host("production-host").host == "10.0.0.2"
    assert {flow: _deployment(server, flow) for flow in FLOWS} == declared
    assert declared["deploy"]["entrypoint"] == "flows.deploy.deploy"
    assert declared["deploy"]["work_pool_name"] == "trovella"
    assert declared["deploy"]["pull_steps"] == []
    half_hourly = {"cron": "11,41 * * * *", "timezone": "UTC", "day_or": True}
    assert declared["verify"]["schedules"] == [(half_hourly, True)]
    hourly = {"cron": "23 * * * *", "timezone": "UTC", "day_or": True}
    assert declared["drift"]["schedules"] == [(hourly, True)]
    assert declared["deploy"]["schedules"] == []

    cli = server.python("-m", "prefect", "--no-prompt", "deploy", "--all")

    assert cli.returncode == 0, cli.stdout + cli.stderr
    assert {flow: _deployment(server, flow) for flow in FLOWS} == declared


@pytest.mark.usefixtures("registered")
def test_the_schedule_of_verify_makes_runs(server: Server):
    """Prefect's scheduler says nothing to anybody when it cannot."""
    deployment = server.client.read_deployment_by_name("verify/production")
    ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))

    def made() -> list[FlowRun]:
        return server.client.read_flow_runs(deployment_filter=ours)

    wait_until(lambda: bool(made()), "a run that nobody asked for")
    run = made()[0]
    assert run.auto_scheduled
    assert run.parameters == {"environment": "production"}
    assert run.next_scheduled_start_time is not None
    assert run.next_scheduled_start_time.minute in (11, 41)


@pytest.mark.usefixtures("registered")
def test_saved_blocks_hand_out_what_the_operator_gave(folder: Path):
    address = load_target_host("production-host").address()
    assert (address.host, address.user, address.port) == ("10.0.0.2", "deploy", 22)
    assert address.host_key == HOST_KEY
    assert address.private_key.reveal() == (folder / "deploy_key").read_text()
    registry = load_block(ArtifactRegistry, "production-registry")
    assert (registry.region, registry.gcp.project) == ("us-central1", "trovella-prod")
    database = load_block(AppDatabase, "production-database")
    assert database.gcp._block_document_name == "production-gcp"


@pytest.mark.usefixtures("registered")
def test_a_saved_block_is_written_again_when_asked(server: Server, folder: Path):
    pinned = f'host_key = "{HOST_KEY}"'
    iap = 'through = "iap"\ninstance = "trovella-prod/us-central1-a/vm"'
    (folder / "blocks.toml").write_text(_facts(folder, "10.0.0.4").replace(pinned, iap))

    _register(server, folder, "--replace-blocks")

    saved = load_target_host("production-host")
    assert saved.host == "10.0.0.4"
    assert saved.address().proxy_command.startswith("gcloud compute start-iap-tunnel vm %p ")
    # Who asks for its key is the saved project.
    assert saved.gcp is not None
    assert saved.gcp.is_called("production-gcp")


@pytest.mark.usefixtures("server")
def test_a_missing_block_is_one_sentence():
    with pytest.raises(ConfigInvalid) as raised:
        load_target_host("nowhere")

    assert raised.value.path == "block target-host/nowhere"
    assert "Unable to find block document named nowhere" in raised.value.problem


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("deployments.register", "--environment", "production"), "Nothing was registered."),
        (("infra.prefect.worker", "--pool", "nowhere"), "No worker was started."),
    ],
)
def test_without_the_project_s_settings_nothing_begins(
    server: Server, words: tuple[str, ...], told: str
):
    defaults = {
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "pickle",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "180",
    }

    done = server.python("-m", *words, env=defaults)
    nowhere = server.python("-m", *words, env={"PREFECT_API_URL": ""})

    assert (done.returncode, nowhere.returncode) == (1, 1)
    assert done.stderr.partition(": ")[2] == (
        "Prefect does not have the settings of infra/prefect/prefect.env: "
        "PREFECT_RESULTS_DEFAULT_SERIALIZER is pickle, not json; "
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY is 180, not 30\n"
        f"left: {told}\n"
        "next: `set -a; . infra/prefect/prefect.env; set +a`, then start this again in the same "
        "shell. Registering and every worker need them.\n"
    )
    assert f"PREFECT_API_URL names no server of Prefect's\nleft: {told}\n" in nowhere.stderr


def test_a_key_that_is_not_there_stops_before_anything_is_saved(server: Server, folder: Path):
    broken = _facts(folder, "10.0.0.2").replace("deploy_key", "no_key")
    (folder / "blocks.toml").write_text(broken)

    done = server.python(
        "-m", "deployments.register", "--environment", "production",
        "--blocks", str(folder / "blocks.toml"), "--replace-blocks",
    )  # fmt: skip

    assert done.returncode == 1
    assert f"{folder}/no_key: cannot be read: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
