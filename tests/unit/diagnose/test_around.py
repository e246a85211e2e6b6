"""How a person is told to reach the host that a run works on."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.gcp_project import GcpProject
from blocks.target_host import TargetHost
from rollout.config import parse_environment
from rollout.model.around import Around, Cloud, Code
from rollout.model.seen import Evidence
from tasks import diagnose
from tests.support.values import SMALL_ENVIRONMENT

INSTANCE = "trovella-prod/us-central1-a/vm"
MACHINE = "vm --project trovella-prod --zone us-central1-a"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG8"
OWN_GITHUB = """
[github]
repository = "a/b"
token = "t"
api_url = "https://git.example/api/v3/"
"""
CLOUD = diagnose._cloud


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


def test_what_the_environments_file_says_of_the_code_is_known():
    there = around()

    assert there.code == Code("https://git.example/app.git", "main", "Dockerfile", ".", "Caddyfile")
    assert there.github_api == "https://api.github.com"


def test_no_credentials_of_the_repository_are_told():
    text = SMALL_ENVIRONMENT.replace("https://git", "https://hunter2@git")
    settings = parse_environment("small.toml", f"{text}\n{OWN_GITHUB}\n[secrets]\n")
    host = TargetHost(host="vm", user="u", private_key=SecretStr(KEY), host_key=HOST_KEY)

    there = diagnose.around_of(settings, host)

    assert "hunter2" not in repr(there)
    assert there.github_api == "https://git.example/api/v3/"


@pytest.mark.parametrize(
    ("cloud_sql", "backed_up", "known"),
    [
        ("", "", (False, "INSTANCE")),
        ("trovella-prod:us-central1:main", "", (True, "main")),
        ("", "main", (True, "main")),
    ],
)
def test_the_database_is_cloud_sqls_where_its_block_or_the_file_says_so(
    monkeypatch: pytest.MonkeyPatch, cloud_sql: str, backed_up: str, known: tuple[bool, str]
):
    project = SimpleNamespace(project="trovella-prod")
    database = SimpleNamespace(gcp=project, url_secret="url", cloud_sql=cloud_sql)
    registry = SimpleNamespace(repository="r", project="p", region="us-central1")
    monkeypatch.setattr(diagnose, "load_app_database", lambda _: database)
    monkeypatch.setattr(diagnose, "load_artifact_registry", lambda _: registry)
    text = SMALL_ENVIRONMENT.replace(
        "[migrations]\n", f'[migrations]\nbackup_instance = "{backed_up}"\n'
    )

    cloud = CLOUD(parse_environment("small.toml", f"{text}\n[secrets]\n"))

    assert (cloud.has_sql, cloud.sql_instance) == known
