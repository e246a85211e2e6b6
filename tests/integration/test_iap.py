"""The host through a tunnel of Google's CLI, whose stand-in really tunnels to a real sshd."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from blocks import gcp_project as blocks_gcp
from blocks.target_host import TargetHost
from deployments.documents import gcp_project
from deployments.facts import read_world
from rollout.diagnose.collect import evidence_of
from rollout.diagnose.match import diagnose
from rollout.errors import (
    ConfigInvalid,
    HostKeyChanged,
    OutcomeUnknown,
    TunnelFailed,
    TunnelRefused,
)
from rollout.executors.host import Host
from rollout.model.around import Around
from rollout.model.command import Command, script
from tests.support import compute
from tests.support.vm import Vm, bare_vm
from tests.support.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rollout.model.target import HostAddress

pytestmark = pytest.mark.rehearsal

ADDRESS = "10.77.0.71"
PLACE = {"instance": "trovella-prod-vm", "project": "trovella-prod", "zone": "us-central1-a"}
COMMAND = (
    "gcloud compute start-iap-tunnel trovella-prod-vm %p --listen-on-stdin "
    "--project trovella-prod --zone us-central1-a"
)
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICo7EI3xqO1BnR5/mgubl2H2AnqkFQ+zNW+/Mw+LOoU1"


@pytest.fixture(scope="module")
def vm() -> Generator[Vm]:
    with bare_vm("iap", ADDRESS) as one:
        yield one


@pytest.fixture
def tunnelled(
    vm: Vm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], HostAddress]:
    """Give an address that only the tunnel reaches, once what is wrong with the tunnel is said."""
    state = tmp_path / "stand-in.json"
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{ROOT / 'tests/support/bin'}:/usr/bin:/bin")

    def address(fault: str) -> HostAddress:
        state.write_text(json.dumps(PLACE | {"address": ADDRESS, "fault": fault}))
        return replace(vm.address, host="trovella-prod-vm", proxy_command=COMMAND)

    return address


@pytest.fixture
def block(vm: Vm, tunnelled: Callable[[str], HostAddress]) -> TargetHost:
    """The host's block with the typed choice, and no key: the machine has told it to Google."""
    tunnelled("")
    known = read_world(Path(os.environ["REHEARSAL_WORLD"]))
    return TargetHost(
        host="trovella-prod-vm",
        through="iap",
        instance=compute.MACHINE,
        private_key=SecretStr(vm.address.private_key.reveal()),
        gcp=gcp_project(known.gcp_project),
    )


def tunnels() -> list[str]:
    found = subprocess.run(
        ("pgrep", "-f", "gcloud compute start-iap-tunnel"),
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.split()


def test_a_command_and_its_input_go_through_and_nothing_is_left(
    tunnelled: Callable[[str], HostAddress],
):
    with Host(tunnelled("")) as host:
        told = host.run(Command(script("id -un; wc -c"), stdin="x" * 300_000))
        assert tunnels()

    assert told.stdout.split() == ["deploy", "300000"]
    assert not tunnels()


def test_a_block_that_chooses_iap_takes_the_key_from_google(vm: Vm, block: TargetHost):
    blocks_gcp._host_key.cache_clear()

    with compute.told(vm.address.host_key), block.executor() as host:
        assert host.address.proxy_command == COMMAND
        assert host.run(Command(("id", "-un"))).stdout == "deploy\n"


def test_a_tunnel_that_ends_is_a_cut_at_once(tunnelled: Callable[[str], HostAddress]):
    with Host(tunnelled("")) as host:
        host.run(Command(("true",)))
        began = time.monotonic()
        stream = host.stream(Command(("sleep", "60")))
        (pid,) = tunnels()
        subprocess.run(("kill", "-KILL", pid), check=True)

        with pytest.raises(OutcomeUnknown):
            stream.read_line(30)

        assert time.monotonic() - began < 15
        assert host.run(Command(("id", "-un"), changes=False)).stdout == "deploy\n"


@pytest.mark.parametrize(
    ("fault", "kind", "told", "cause"),
    [
        (
            "no-login",
            TunnelRefused,
            "You do not currently have an active account selected.",
            "the worker's Google login has expired, or there is none",
        ),
        (
            "expired",
            TunnelRefused,
            "There was a problem refreshing your current auth tokens",
            "the worker's Google login has expired, or there is none",
        ),
        (
            "forbidden",
            TunnelRefused,
            "Error while connecting [4033: 'not authorized'].",
            "the worker's account may not open a tunnel to the host",
        ),
        (
            "no-backend",
            TunnelFailed,
            "Error while connecting [4003: 'failed to connect to backend'].",
            "the tunnel reaches the machine, but nothing listens behind it",
        ),
    ],
)
def test_what_the_tunnel_says_is_told_and_known(
    tunnelled: Callable[[str], HostAddress],
    fault: str,
    kind: type[TunnelFailed | TunnelRefused],
    told: str,
    cause: str,
):
    with Host(tunnelled(fault)) as host, pytest.raises(kind) as caught:
        host.run(Command(("true",)))

    assert caught.value.true.startswith(
        "the tunnel to trovella-prod-vm did not come about: "
        f"ERROR: (gcloud.compute.start-iap-tunnel) {told}"
    )
    assert caught.value.retry_safe == (kind is TunnelFailed)
    found = diagnose(evidence_of(caught.value, "preflight", Around()))
    assert (found.code, found.cause) == ("tunnel-failed", cause)
    assert not tunnels()


def test_a_machine_that_is_not_there(tunnelled: Callable[[str], HostAddress]):
    address = tunnelled("")
    other = replace(address, proxy_command=COMMAND.replace("prod-vm", "prod-other"))

    with Host(other) as host, pytest.raises(TunnelFailed) as caught:
        host.run(Command(("true",)))

    assert caught.value.true.endswith(
        "Could not fetch resource: The resource 'projects/trovella-prod/zones/us-central1-a/"
        "instances/trovella-prod-other' was not found"
    )


def test_another_key_behind_the_tunnel_is_refused(tunnelled: Callable[[str], HostAddress]):
    address = replace(tunnelled(""), host_key=OTHER_KEY)

    with Host(address) as host, pytest.raises(HostKeyChanged):
        host.run(Command(("true",)))

    assert not tunnels()


def test_a_program_that_is_not_installed(
    tunnelled: Callable[[str], HostAddress], monkeypatch: pytest.MonkeyPatch
):
    address = tunnelled("")
    monkeypatch.setenv("PATH", "/nonexistent")

    with Host(address) as host, pytest.raises(ConfigInvalid) as caught:
        host.run(Command(("true",)))

    assert caught.value.true == (
        "target host block, proxy_command: gcloud cannot be started on the worker: "
        "No such file or directory"
    )
