"""What the command line and the files ask for, before anything is asked of a server."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from deployments.entries import decide_entries, load_flow, read_entries
from deployments.facts import read_facts, read_world
from deployments.following import Patience
from deployments.login import read_login
from deployments.trigger import read_order, trigger
from rollout.errors import ConfigInvalid
from rollout.executors.files import read_environment
from rollout.promotion import Promotion
from rollout.render.form import with_choices

ROOT = Path(__file__).parents[3]
DEPLOY = ("deploy", "--environment", "production")
FACTS = """
[target_host]
host = "trovella-prod-vm"
host_key = "ssh-ed25519 AAAA"
private_key_file = "/etc/trovella/key"
[gcp_project]
project = "trovella-prod"
[artifact_registry]
project = "trovella-shared"
repository = "trovella"
[app_database]
url_secret = "trovella-database-url"
"""


def test_a_parameter_is_text_however_it_looks():
    words = ["--parameter", "commit=12e4567", "--parameter", "reason=a=b"]

    order, as_json = read_order([*DEPLOY, *words])

    assert order.parameters == {"commit": "12e4567", "reason": "a=b"}
    assert order.deployment == "deploy/production"
    assert not as_json


def test_a_shorthand_is_a_parameter_and_wins():
    words = ["--parameters", '{"commit": "1", "actor": "ada"}', "--commit", "2", "--json"]

    order, as_json = read_order([*DEPLOY, *words])

    assert order.parameters == {"commit": "2", "actor": "ada"}
    assert as_json


def test_two_orders_without_a_key_are_two_runs():
    assert read_order(DEPLOY)[0].key != read_order(DEPLOY)[0].key


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--parameter", "commit"], "should be name=text, not 'commit'"),
        (["--parameters", "[1]"], "should be a JSON object"),
        (["--parameters", "{"], "is no JSON"),
    ],
)
def test_an_order_that_cannot_be_read_is_a_usage_error(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as ended:
        read_order([*DEPLOY, *words])

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


BESIDE = ("deploy.deploy", "rollback.rollback", "verify.verify")
WHOLE = (
    *("deploy.deploy", "promote.promote", "rollback.rollback", "sync_secrets.sync_secrets"),
    *("verify.verify", "drift.drift", "hold.hold", "hold.release_hold"),
)


@pytest.mark.parametrize(
    ("environment", "flows"),
    [
        ("production", WHOLE),
        ("rehearsal", WHOLE),
        ("rehearsal-staging", BESIDE),
        ("rehearsal-fleet", (*BESIDE, "drift.drift")),
    ],
)
def test_each_environment_has_its_deployments(environment: str, flows: tuple[str, ...]):
    entries = read_entries(ROOT / "prefect.yaml", environment)

    assert [entry.entrypoint for entry in entries] == [f"flows.{flow}" for flow in flows]
    assert all(entry.parameters == {"environment": environment} for entry in entries)
    assert all(environment in entry.tags for entry in entries)


def test_an_environment_without_deployments_is_named():
    with pytest.raises(
        ConfigInvalid,
        match=r"no deployment 'nowhere'; it has .*production, rehearsal, rehearsal-fleet",
    ):
        read_entries(ROOT / "prefect.yaml", "nowhere")


def test_an_entry_with_an_unknown_key_is_told(tmp_path: Path):
    path = tmp_path / "prefect.yaml"
    entry = (
        "{name: a, entrypoint: b.c, version_type: 'prefect:simple', description: d,"
        " work_pool: {name: p}, pul: []}"
    )
    path.write_text(f"deployments: [{entry}]")

    with pytest.raises(ConfigInvalid, match="pul Extra inputs are not permitted"):
        read_entries(path, "a")


ENTRY = {"name": "staging", "entrypoint": "flows.deploy.deploy", "description": "d",
         "version_type": "prefect:simple", "work_pool": {"name": "p"},
         "parameters": {"environment": "staging"}, "tags": ["staging"]}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"parameters": {}}, "parameters.environment should be 'staging', not nothing"),
        (
            {"parameters": {"environment": "production"}},
            "parameters.environment should be 'staging', not production",
        ),
        ({"tags": ["production"]}, "tags should name 'staging'"),
    ],
)
def test_a_copied_entry_that_would_deploy_elsewhere_is_told(
    tmp_path: Path, changed: dict[str, object], told: str
):
    path = tmp_path / "prefect.yaml"
    path.write_text(json.dumps({"deployments": [ENTRY]}))
    assert [one.name for one in read_entries(path, "staging")] == ["staging"]

    path.write_text(json.dumps({"deployments": [{**ENTRY, **changed}]}))

    with pytest.raises(ConfigInvalid) as raised:
        read_entries(path, "staging")
    assert raised.value.true == f"prefect.yaml: flows.deploy.deploy named 'staging': {told}"


def test_promote_waits_for_its_section_and_both_say_so():
    settings = read_environment("production").model_copy(update={"promotion": None})
    known = read_entries(ROOT / "prefect.yaml", "production")

    entries, left_out = decide_entries(known, settings)

    assert "flows.promote.promote" not in [one.entrypoint for one in entries]
    assert len(entries) == len(known) - 1
    assert left_out == [
        "deployment promote/production: left out, because deployments/production.toml has no "
        "[promotion] (docs/promote.md)"
    ]
    promoted = settings.model_copy(update={"promotion": Promotion.model_construct()})
    assert decide_entries(known, promoted) == (known, [])


class _Nowhere:
    """A server that knows no deployment."""

    def read_deployment_by_name(self, _: str) -> None:
        raise ObjectNotFound(LookupError("deployment"))


@pytest.mark.parametrize(
    ("flow", "more"),
    [
        ("verify", ""),
        ("promote", ", once deployments/staging.toml has [promotion] (docs/promote.md)"),
    ],
)
def test_what_is_not_registered_says_what_does_it(flow: str, more: str):
    order, _ = read_order([flow, "--environment", "staging"])
    client: Any = _Nowhere()

    with pytest.raises(ConfigInvalid) as raised:
        trigger(order, client, Patience(lambda _: None, 0))

    assert raised.value.problem == (
        "is not registered; `python -m deployments.register --environment staging` does it, on "
        f"the operations machine{more}"
    )


class _Listing:
    """A server whose form offers two releases, and which refuses every other one."""

    def read_deployment_by_name(self, _: str) -> Any:
        schema = with_choices({"properties": {"to": {}, "reason": {}}}, ["2 beef", "1 c0ffee"])
        return SimpleNamespace(id="an id", parameter_openapi_schema=schema)

    def create_flow_run_from_deployment(self, *_: object, **__: object) -> None:
        request = httpx.Request("POST", "http://127.0.0.1/api")
        answer = httpx.Response(409, request=request, json={"detail": "it is not one of them"})
        error = httpx.HTTPStatusError("refused", request=request, response=answer)
        raise PrefectHTTPStatusError.from_httpx_error(error)


@pytest.mark.parametrize(
    ("to", "more"),
    [
        (
            "3",
            "; where `bin/releases staging` has that release, `bin/trigger verify --environment "
            "staging` renews the list",
        ),
        ("2", ""),
        ("", ""),
    ],
)
def test_a_release_that_the_list_lacks_says_what_renews_it(to: str, more: str):
    order, _ = read_order(["rollback", "--environment", "staging", "--to", to])
    client: Any = _Listing()

    with pytest.raises(ConfigInvalid) as raised:
        trigger(order, client, Patience(lambda _: None, 0))

    assert raised.value.true == f"parameters of rollback/staging: it is not one of them{more}"


def test_an_entrypoint_must_be_a_flow():
    with pytest.raises(ConfigInvalid, match=r"rollout\.errors\.Refused is no flow"):
        load_flow("rollout.errors.Refused")


def test_an_operators_file_is_read(tmp_path: Path):
    path = tmp_path / "blocks.toml"
    path.write_text(FACTS)

    facts = read_facts(path)

    assert (facts.target_host.port, facts.target_host.user) == (22, "deploy")
    assert facts.gcp_project.service_account_file == ""
    assert facts.artifact_registry.region == "us-central1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "is no TOML"),
        (FACTS.replace('project = "trovella-prod"', ""), "gcp_project.project is missing"),
        (FACTS + "ports = 1\n", "app_database.ports Extra inputs are not permitted"),
    ],
)
def test_an_operators_file_that_is_wrong_is_told(tmp_path: Path, text: str, told: str):
    path = tmp_path / "blocks.toml"
    path.write_text(text)

    with pytest.raises(ConfigInvalid) as raised:
        read_facts(path)

    assert raised.value.path == str(path)
    assert told in raised.value.problem


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(ConfigInvalid, match="cannot be read: No such file or directory"):
        read_facts(tmp_path / "none.toml")


def test_a_rehearsal_is_read_from_what_it_wrote(tmp_path: Path):
    path = tmp_path / "world.json"
    path.write_text(json.dumps({
        "host_address": "10.77.0.2", "host_key": "ssh-ed25519 AAAA", "deploy_key": "/k",
        "host_user": "deploy", "secrets_project": "trovella-prod",
        "service_account_key": "/sa.json",
        "database_admin_url": "postgresql://postgres:x@10.77.0.11:5432/postgres",
    }))  # fmt: skip

    facts = read_world(path)

    assert (facts.app_database.host, facts.app_database.port) == ("10.77.0.11", 5432)
    assert facts.target_host.host == "10.77.0.2"


def test_each_host_that_an_environment_names_must_be_in_the_facts(tmp_path: Path):
    path = tmp_path / "blocks.toml"
    second = FACTS.partition("[target_host]")[2].partition("[")[0]
    path.write_text(f"{FACTS}[[further_hosts]]{second}")

    facts = read_facts(path)

    assert facts.hosts("a", ("b",)) == {"a": facts.target_host, "b": facts.further_hosts[0]}
    with pytest.raises(ConfigInvalid) as raised:
        facts.hosts("a", ("b", "c"))
    assert raised.value.problem == (
        "names 2 blocks, and the file given with --blocks has 1 [[further_hosts]]; "
        "make them as many"
    )


def test_a_scratch_server_that_an_environment_names_must_be_in_the_facts(tmp_path: Path):
    path = tmp_path / "blocks.toml"
    path.write_text(FACTS)
    with pytest.raises(ConfigInvalid) as raised:
        read_facts(path).scratch_server("spare")
    assert raised.value.true == (
        "block app-database/spare: the environment's file names it under [blocks], and the file "
        "given with --blocks has no [scratch_database]; add it there"
    )

    path.write_text(f'{FACTS}[scratch_database]\nurl_secret = "spare-url"\n')
    assert read_facts(path).scratch_server("spare").url_secret == "spare-url"


def test_without_a_named_secret_there_is_no_login(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PREFECT_AUTH_SECRET", raising=False)
    assert read_login() == ""

    monkeypatch.setenv("PREFECT_AUTH_SECRET", "trovella-prefect")
    with pytest.raises(ConfigInvalid, match="should be projects/<project>/secrets/<secret>"):
        read_login()


@pytest.mark.parametrize(
    ("flow", "told"),
    [("sync-secrets", "has no dry run"), ("hold", "has no dry run"), ("drift", "changes nothing")],
)
def test_what_cannot_be_tried_says_whether_it_changes_anything(
    flow: str, told: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        read_order([flow, "--environment", "production", "--dry-run"])

    assert f"--dry-run: {flow} {told}" in capsys.readouterr().err
