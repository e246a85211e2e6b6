"""The blocks' forms, and what they make of what a person types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from blocks.app_database import AppDatabase, _readdressed
from blocks.artifact_registry import ArtifactRegistry
from blocks.gcp_project import GcpProject
from blocks.loading import first_problem
from blocks.target_host import TargetHost
from rollout.errors import ConfigInvalid
from rollout.model.command import Secret

if TYPE_CHECKING:
    from prefect.blocks.core import Block

KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n"
    "c2gtb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAA\n"
    "AAtzc2gt\n"
    "-----END OPENSSH PRIVATE KEY-----\n"
)
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG8"


def _host(**fields: Any) -> TargetHost:
    given = {"host": "10.0.0.2", "private_key": SecretStr(KEY), "host_key": HOST_KEY}
    return TargetHost(**(given | fields))


@pytest.mark.parametrize("block", [TargetHost, GcpProject, ArtifactRegistry, AppDatabase])
class TestBlocks(BlockStandardTestSuite):
    @pytest.fixture
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        return request.param

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """The suite asks for a picture; the UI would fetch it from elsewhere, so there is none."""
        assert block._logo_url is None


@pytest.mark.parametrize(
    "typed",
    [
        KEY,
        KEY.strip(),
        KEY.replace("\n", ""),
        KEY.replace("\n", " "),
        f"\n  {KEY}\n",
    ],
    ids=["as it is", "without its end", "in one line", "with spaces", "with white space around"],
)
def test_a_key_survives_a_one_line_form_field(typed: str):
    assert _host(private_key=SecretStr(typed)).address().private_key.reveal() == KEY


@pytest.mark.parametrize(
    "typed",
    [HOST_KEY, f"{HOST_KEY} root@vm", f"10.0.0.2 {HOST_KEY}", f"[10.0.0.2]:2222 {HOST_KEY}"],
    ids=["key", "with a comment", "as ssh-keyscan prints it", "with a port"],
)
def test_a_host_key_is_found_in_its_line(typed: str):
    assert _host(host_key=typed).address().host_key == HOST_KEY


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"private_key": SecretStr("hunter2")}, "private_key should be a private key"),
        ({"host_key": "SHA256:abc"}, "host_key should be a host's public key"),
        ({"host": "-oProxyCommand=sh"}, "host should be one word"),
        ({"host": "a b"}, "host should be one word"),
        ({"user": "deploy;id"}, "user should be one word"),
        ({"port": 0}, "port Input should be greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_is_told_without_its_value(fields: dict[str, Any], told: str):
    with pytest.raises(ValidationError) as raised:
        _host(**fields)

    assert first_problem(raised.value).startswith(told)
    assert "hunter2" not in first_problem(raised.value)


def _machine(**fields: Any) -> TargetHost:
    given = {"through": "iap", "instance": "trovella-prod/us-central1-a/trovella-prod-vm"}
    return _host(**(given | fields))


def test_a_host_is_reached_directly_by_a_command_or_through_iap():
    assert _host().address().proxy_command == ""
    assert _host(proxy_command="nc %h %p").address().proxy_command == "nc %h %p"
    assert _machine().address().proxy_command == (
        "gcloud compute start-iap-tunnel trovella-prod-vm %p --listen-on-stdin "
        "--project trovella-prod --zone us-central1-a"
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"instance": ""}, "it instance should be project/zone/name where through is iap"),
        ({"instance": "trovella-prod-vm"}, "instance String should match pattern"),
        ({"proxy_command": "nc %h %p"}, "it proxy_command should be empty where through is iap"),
        ({"host_key": ""}, "it host_key should be given, or else instance and gcp"),
        ({"through": "vpn"}, "through Input should be 'network' or 'iap'"),
    ],
)
def test_a_way_to_the_host_that_does_not_fit_is_told(fields: dict[str, Any], told: str):
    with pytest.raises(ValidationError) as raised:
        _machine(**fields)

    assert first_problem(raised.value).startswith(told)


@pytest.mark.parametrize(
    ("url", "host", "port", "wanted"),
    [
        ("postgresql://a:b@sql-proxy:5432/db", "", 0, "postgresql://a:b@sql-proxy:5432/db"),
        ("postgresql://a:b@sql-proxy:5432/db", "127.0.0.1", 0, "postgresql://a:b@127.0.0.1:5432/db"),
        ("postgres://a:b@sql-proxy/db?x=1", "127.0.0.1", 5433, "postgres://a:b@127.0.0.1:5433/db?x=1"),
        ("postgresql://a:p@ss@sql-proxy:1/db", "h", 2, "postgresql://a:p@ss@h:2/db"),
        ("postgresql://sql-proxy", "h", 0, "postgresql://h"),
        (" postgresql://a:b@h/db\n", "", 0, "postgresql://a:b@h/db"),
    ],
)  # fmt: skip
def test_a_database_is_reached_where_the_block_says(url: str, host: str, port: int, wanted: str):
    assert _readdressed(Secret(url), host, port, "secret x").reveal() == wanted


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"host": "10.0.0.9"}, "it host, port and proxy_command should be empty beside cloud_sql"),
        ({"proxy_command": ["x"]}, "it host, port and proxy_command should be empty"),
        ({"cloud_sql": "trovella"}, "cloud_sql String should match pattern"),
    ],
)
def test_a_way_to_the_database_that_does_not_fit_is_told(fields: dict[str, Any], told: str):
    given: dict[str, Any] = {
        "url_secret": "x",
        "cloud_sql": "trovella-prod:us-central1:trovella",
        "gcp": GcpProject.model_construct(),
    }

    with pytest.raises(ValidationError) as raised:
        AppDatabase(**{**given, **fields})

    assert first_problem(raised.value).startswith(told)


@pytest.mark.parametrize("url", ["", "hunter2", "mysql://a:hunter2@h/db", "postgresql:///hunter2"])
def test_a_secret_that_is_no_url_is_told_without_its_text(url: str):
    with pytest.raises(ConfigInvalid) as raised:
        _readdressed(Secret(url), "", 0, "secret trovella-database-url")

    assert "hunter2" not in str(raised.value)
    assert raised.value.path == "secret trovella-database-url"
