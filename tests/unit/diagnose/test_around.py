"""How a person is told to reach the host that a run works on."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.gcp_project import GcpProject
from blocks.target_host import TargetHost
from rollout.config import parse_environment
from rollout.model.seen import Around, Cloud, Evidence
from tasks import diagnose
from tests.support.values import SMALL_ENVIRONMENT

INSTANCE = "trovella-prod/us-central1-a/vm"
MACHINE = "vm --project trovella-prod --zone us-central1-a"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG8"


@pytest.fixture(autouse=True)
def no_other_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.diagnose._cloud", lambda settings: Cloud())  # noqa: ARG005


def around(**fields: Any) -> Around:
    given = {"host": "vm", "user": "sa_1234", "private_key": SecretStr(KEY), "host_key": HOST_KEY}
    settings = parse_environment("small.toml", f"{SMALL_ENVIRONMENT}\n[secrets]\n")
    return diagnose.around_of(settings, TargetHost(**(given | fields)))


def test_through_the_tunnel_a_person_goes_with_a_login_of_their_own():
    project = GcpProject.model_construct(project="trovella-prod")
    there = around(through="iap", instance=INSTANCE, host_key="", gcp=project)

    line = Evidence(around=there).on_host("docker ps --all")

    assert line.startswith(f"gcloud compute ssh {MACHINE} --tunnel-through-iap --command ")
    assert shlex.split(shlex.split(line)[-1]) == ["sudo", "sh", "-c", "docker ps --all"]
    assert "sa_1234" not in line
    assert "ProxyCommand" not in line
    assert there.machine == MACHINE


@pytest.mark.parametrize(
    ("fields", "login"),
    [
        ({}, "ssh sa_1234@vm"),
        ({"port": 2222}, "ssh -p 2222 sa_1234@vm"),
        ({"proxy_command": "nc %h %p"}, "ssh -o 'ProxyCommand=nc %h %p' sa_1234@vm"),
        ({"instance": INSTANCE}, "ssh sa_1234@vm"),
    ],
)
def test_over_the_network_a_person_goes_as_the_worker_does(fields: dict[str, Any], login: str):
    there = around(**fields)

    assert Evidence(around=there).on_host("docker ps") == f"{login} 'docker ps'"
    assert there.machine == (MACHINE if "instance" in fields else "")
