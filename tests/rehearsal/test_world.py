"""The rehearsed world itself: it is what it says, and it leaves no trace on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import httpx
import psycopg
import pytest
from google.api_core import exceptions
from google.auth.transport.requests import Request
from google.cloud import secretmanager_v1
from google.oauth2 import service_account

from infra.rehearsal import facts, google, google_rules, machines, network, world
from infra.rehearsal.paths import CHECKOUT, Rehearsal
from infra.rehearsal.shell import wait_until
from tests.support.world import facts as world_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.rehearsal.machines import Machine

pytestmark = pytest.mark.rehearsal

SPARE = "10.77.0.40"
PASSING = "10.77.0.41"
DSN = f"projects/{facts.SECRETS_PROJECT}/secrets/trovella-sentry-dsn"
PROXY = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.21.2"


@pytest.fixture(scope="module")
def here() -> Rehearsal:
    """Return the world that the tests run in."""
    return Rehearsal(world_facts()["name"])


@pytest.fixture(scope="module")
def spare(here: Rehearsal) -> Iterator[Machine]:
    """Return a VM that nothing was deployed to, with its engine running."""
    machine = machines.fresh_vm(here, "spare", SPARE)
    machine.up()
    try:
        wait_until(lambda: machine.succeeds("docker", "version"), "the engine of the spare VM")
        yield machine
    finally:
        machine.remove()


@pytest.fixture
def secret() -> Iterator[str]:
    """Return a secret of this test's own with two versions, both enabled."""
    name = f"projects/{facts.SECRETS_PROJECT}/secrets/test-{uuid.uuid4().hex[:8]}"
    with google.stored(store_file()) as store:
        store.create(name)
        store.add(name, "first")
        store.add(name, "second")
    yield name
    with google.stored(store_file()) as store:
        store.denied.discard(name)
        del store.secrets[name]


@pytest.fixture(scope="module")
def client() -> secretmanager_v1.SecretManagerServiceClient:
    """Return Google's own client, made from the service account's key and nothing else."""
    return secretmanager_v1.SecretManagerServiceClient.from_service_account_json(
        world_facts()["service_account_key"]
    )


def store_file() -> Path:
    return Path(world_facts()["google_store"])


def over_ssh(machine: Machine, words: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line as `deploy` over OpenSSH, with the machine's host key pinned."""
    known = machine.state / "known_hosts"
    known.write_text(f"{machine.addresses[0]} {machines.host_key(machine)}\n")
    options = ["-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
    key = world_facts()["deploy_key"]
    return subprocess.run(
        ["ssh", "-i", key, *options, f"deploy@{machine.addresses[0]}", words],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip


def traces(state: Path, identity: str) -> list[str]:
    """Return the processes, mounts and cgroups that belong to a folder or carry a name."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            mounts = (process / "mountinfo").read_text()
        except OSError:
            continue
        if f"{state}/" in words or identity in words or f"{state}/" in mounts:
            found.append(f"{process.name} {words}")
    return found + [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/{identity}*")]


def test_the_machine_is_as_it_was_before_the_world_was_stood_up(here: Rehearsal):
    before = json.loads(Path(world_facts()["footprint"]).read_text())
    outside = [
        "nsenter",
        f"--target={world.forwarder(here)}",
        "--mount",
        "--net",
        "env",
        f"PYTHONPATH={CHECKOUT}",
    ]
    look = [sys.executable, "-m", "infra.rehearsal.footprint"]
    now = subprocess.run([*outside, *look], capture_output=True, check=True, text=True)
    assert json.loads(now.stdout) == before


def test_there_is_no_way_out_of_the_world():
    routes = subprocess.run(["ip", "route"], capture_output=True, check=True, text=True).stdout
    assert routes.splitlines() == ["10.77.0.0/24 dev eth0 proto kernel scope link src 10.77.0.30 "]


def test_a_name_that_the_world_does_not_know_does_not_exist_at_once():
    begun = time.monotonic()
    with pytest.raises(httpx.ConnectError, match=r"Name or service not known|No address"):
        httpx.get("https://nowhere.example")
    assert time.monotonic() - begun < 1


def test_a_fresh_vm_has_an_engine_and_nothing_of_ours(spare: Machine):
    seen = over_ssh(spare, "id -nG; ls -d /opt/trovella; sudo docker ps --all --quiet; docker ps")
    assert seen.stdout == "deploy\n"
    assert "/opt/trovella" in seen.stderr
    assert "permission denied" in seen.stderr


def test_a_fresh_vm_lets_nobody_in_without_the_key(spare: Machine):
    options = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
    options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityFile=/nonexistent"]
    refused = subprocess.run(
        ["ssh", *options, f"deploy@{SPARE}", "true"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_the_engine_of_a_vm_is_a_service(spare: Machine):
    assert over_ssh(spare, "sudo service docker stop").returncode == 0
    assert over_ssh(spare, "sudo docker version").returncode == 1
    assert (
        over_ssh(spare, "sudo service docker start && sudo service docker status").returncode == 0
    )
    wait_until(lambda: spare.succeeds("docker", "version"), "the engine after its restart")


def test_a_power_cut_leaves_the_disk_and_a_boot_brings_the_engine_back(spare: Machine):
    over_ssh(spare, "sudo sh -c 'echo kept > /opt/note'; sync")
    spare.kill()
    assert spare.first_process() is None
    spare.boot()
    wait_until(lambda: spare.succeeds("docker", "version"), "the engine after a power cut")
    assert spare.run("cat", "/opt/note") == "kept\n"
    spare.run("rm", "/opt/note")


def test_the_registry_refuses_without_a_login_and_takes_the_token_endpoints_token():
    key = world_facts()["service_account_key"]
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    credentials = service_account.Credentials.from_service_account_file(key, scopes=scopes)
    credentials.refresh(Request())
    registry = f"https://{facts.REGISTRY_NAME}/v2/"
    assert httpx.get(registry).status_code == 401
    assert httpx.get(registry, auth=(facts.REGISTRY_USER, "wrong")).status_code == 401
    assert httpx.get(registry, auth=(facts.REGISTRY_USER, credentials.token)).status_code == 200


def test_the_public_registry_gives_to_everybody_and_takes_from_nobody():
    public = "https://registry-1.docker.io/v2/library/caddy"
    assert httpx.get(f"{public}/tags/list").json() == {
        "name": "library/caddy",
        "tags": ["2-alpine"],
    }
    assert httpx.post(f"{public}/blobs/uploads/").status_code == 405


@pytest.mark.parametrize(("version", "value"), [("latest", b"second"), ("1", b"first")])
def test_a_secret_is_read_by_number_or_as_the_latest(
    client: secretmanager_v1.SecretManagerServiceClient, secret: str, version: str, value: bytes
):
    read = client.access_secret_version(name=f"{secret}/versions/{version}")
    assert read.payload.data == value
    assert read.name == f"{secret}/versions/{ {'latest': '2'}.get(version, version) }"


def test_a_disabled_latest_version_is_refused_and_does_not_fall_back(
    client: secretmanager_v1.SecretManagerServiceClient, secret: str
):
    client.disable_secret_version(name=f"{secret}/versions/2")
    with pytest.raises(exceptions.FailedPrecondition, match="versions/2] is in DISABLED state"):
        client.access_secret_version(name=f"{secret}/versions/latest")
    states = [version.state.name for version in client.list_secret_versions(parent=secret)]
    assert states == ["DISABLED", "ENABLED"]
    client.enable_secret_version(name=f"{secret}/versions/2")
    assert client.access_secret_version(name=f"{secret}/versions/latest").payload.data == b"second"


def deny(store: google_rules.Store, secret: str) -> None:
    store.denied.add(secret)


def forget(store: google_rules.Store, secret: str) -> None:
    store.secrets[secret] = []


@pytest.mark.parametrize(
    ("change", "error"),
    [(deny, exceptions.PermissionDenied), (forget, exceptions.NotFound)],
    ids=["denied", "without a version"],
)
def test_a_change_of_the_store_is_seen_at_once(
    client: secretmanager_v1.SecretManagerServiceClient,
    secret: str,
    change: Callable[[google_rules.Store, str], None],
    error: type[Exception],
):
    with google.stored(store_file()) as store:
        change(store, secret)
    with pytest.raises(error):
        client.access_secret_version(name=f"{secret}/versions/latest")


def test_a_secret_that_does_not_exist_is_not_found(
    client: secretmanager_v1.SecretManagerServiceClient,
):
    with pytest.raises(exceptions.NotFound):
        client.access_secret_version(name=f"{DSN}-of-nobody/versions/latest")


def test_a_key_that_is_not_the_service_accounts_is_refused(tmp_path: Path):
    document: dict[str, Any] = json.loads(Path(world_facts()["service_account_key"]).read_text())
    words = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    document["private_key"] = subprocess.run(
        words, capture_output=True, check=True, text=True
    ).stdout
    stranger = tmp_path / "key.json"
    stranger.write_text(json.dumps(document))
    client = secretmanager_v1.SecretManagerServiceClient.from_service_account_json(str(stranger))
    with pytest.raises(exceptions.Unauthenticated):
        client.access_secret_version(name=f"{DSN}/versions/latest")


def test_the_sql_proxys_image_forwards_to_the_database():
    engine = docker.from_env()
    proxy = engine.containers.run(
        PROXY, ["--address=0.0.0.0", "p:r:i"], detach=True, ports={"5432/tcp": None}
    )
    try:
        proxy.reload()
        published = proxy.ports["5432/tcp"]
        assert published
        port = published[0]["HostPort"]
        wait_until(lambda: b"ready for new connections" in proxy.logs(), "the proxy's start")
        url = urlsplit(world_facts()["database_url"])
        through = url._replace(
            netloc=url.netloc.replace(f"{url.hostname}:{url.port}", f"{facts.BUILDER}:{port}")
        )
        with psycopg.connect(through.geturl()) as connection:
            assert connection.execute("SELECT current_user, current_database()").fetchone() == (
                facts.DATABASE_ROLE,
                facts.DATABASE_NAME,
            )
    finally:
        proxy.remove(force=True)


def test_taking_a_world_down_leaves_no_process_no_mount_and_no_cgroup():
    passing = Rehearsal(f"passing_{uuid.uuid4().hex[:6]}")
    network.ensure_switch(passing)
    machine = machines.fresh_vm(passing, "vm", PASSING)
    machine.up()
    wait_until(lambda: machine.succeeds("docker", "version"), "the engine of a passing VM")
    assert traces(passing.state, f"rh-{passing.identity}")
    world.take_down(passing, keep_cache=True)
    assert traces(passing.state, f"rh-{passing.identity}") == []
    assert not passing.state.exists()
