"""The host's key from what the machine told Google, through Google's own client."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import google_auth_httplib2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from googleapiclient import discovery

from blocks import gcp_project as blocks_gcp
from deployments.documents import gcp_project, target_host
from deployments.facts import BlockFacts, read_world
from rollout.diagnose.collect import evidence_of
from rollout.diagnose.match import diagnose
from rollout.errors import HostKeyChanged, HostKeyUnavailable, HostKeyUnknown
from rollout.executors.host_keys import read_host_key
from rollout.model.around import Around
from rollout.model.command import Command
from rollout.model.diagnosis import Retry
from rollout.model.target import Instance
from tests.support import compute
from tests.support.google import credentials
from tests.support.world import facts as world

if TYPE_CHECKING:
    from collections.abc import Callable

    from blocks.gcp_project import GcpProject
    from blocks.target_host import TargetHost

pytestmark = pytest.mark.rehearsal

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICo7EI3xqO1BnR5/mgubl2H2AnqkFQ+zNW+/Mw+LOoU1"
RSA_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ"
NOBODY = "https://127.0.0.1:9"


@pytest.fixture
def facts() -> BlockFacts:
    """What the world's blocks are made of, without the host's key; nothing was asked yet."""
    blocks_gcp._host_key.cache_clear()
    known = read_world(Path(os.environ["REHEARSAL_WORLD"]))
    unpinned = {"host_key": "", "instance": compute.MACHINE}
    return known.model_copy(update={"target_host": known.target_host.model_copy(update=unpinned)})


@pytest.fixture
def block(facts: BlockFacts) -> TargetHost:
    return target_host(facts)


@pytest.fixture
def stranger(facts: BlockFacts, tmp_path: Path) -> GcpProject:
    """A project whose account Google does not know: its key was withdrawn."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = json.loads(Path(facts.gcp_project.service_account_file).read_text())
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account | {"private_key": key.decode()}))
    return gcp_project(facts.gcp_project.model_copy(update={"service_account_file": str(path)}))


def test_the_key_that_the_machine_told_is_asked_for_once_and_opens_it(block: TargetHost):
    with compute.told(RSA_KEY, world()["host_key"]):
        for _ in range(2):
            with block.executor() as host:
                assert host.run(Command(("id", "-un"))).stdout == "deploy\n"

        assert compute.times_asked() == 1


def test_another_key_than_the_told_one_is_refused_with_both_fingerprints(block: TargetHost):
    with compute.told(OTHER_KEY), block.executor() as host, pytest.raises(HostKeyChanged) as caught:
        host.run(Command(("true",)))

    shows, _, told = caught.value.true.partition(", not ")
    assert shows.startswith("10.77.0.2 shows the key SHA256:")
    assert told == (
        "SHA256:FW3CINxIegeQv/HKqFYpRRVnq+N2ujhbivijTplD8LY, which "
        "trovella-prod/us-central1-a/trovella-prod-vm told Google when it started"
    )


@pytest.mark.parametrize(
    ("keys", "denied", "status", "said"),
    [
        (
            (OTHER_KEY,),
            True,
            403,
            "HTTP 403: Required 'compute.instances.getGuestAttributes' permission for "
            "'projects/trovella-prod/zones/us-central1-a/instances/trovella-prod-vm'",
        ),
        (
            (),
            False,
            404,
            "HTTP 404: The resource 'hostkeys/' of type 'Guest Attribute' was not found.",
        ),
        (("ssh-dss AAAAB3",), False, None, "has told Google no SSH host key"),
    ],
)
def test_what_google_does_not_tell_is_named(
    block: TargetHost, keys: tuple[str, ...], denied: bool, status: int | None, said: str
):
    with compute.told(*keys, denied=denied), pytest.raises(HostKeyUnknown) as caught:
        block.executor()

    assert caught.value.true.endswith(said)
    assert (caught.value.http_status, caught.value.retry_safe) == (status, False)
    assert diagnose(evidence_of(caught.value, "preflight", Around())).code == "host-key-unknown"


def test_a_login_that_google_does_not_know_any_more_is_named(
    block: TargetHost, stranger: GcpProject
):
    block = block.model_copy(update={"gcp": stranger})

    with compute.told(OTHER_KEY), pytest.raises(HostKeyUnknown) as caught:
        block.executor()

    assert caught.value.http_status == 401
    assert "HTTP 401: " in caught.value.true
    assert "Invalid JWT Signature." in caught.value.true
    assert caught.value.next_step == "Renew the credentials of the gcp-project block, then retry."


def test_a_google_that_does_not_answer_may_be_asked_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rollout.executors.host_keys._TRIES_AGAIN", 0)
    http = google_auth_httplib2.AuthorizedHttp(credentials())
    build: Callable[..., object] = discovery.build
    client = build(
        "compute",
        "v1",
        http=http,
        client_options={"api_endpoint": NOBODY},
        cache_discovery=False,
    )

    with pytest.raises(HostKeyUnavailable) as caught:
        read_host_key(client, Instance(*compute.MACHINE.split("/")))

    assert caught.value.true.startswith(f"Google cannot be asked for the key of {compute.MACHINE}:")
    told = diagnose(evidence_of(caught.value, "preflight", Around()))
    assert (told.code, told.retry) == ("host-key-unknown", Retry.SAFE)
