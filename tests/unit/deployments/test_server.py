"""What a command says where Prefect's server is unknown, wants a login, or does not answer."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from google.auth.exceptions import DefaultCredentialsError
from prefect.blocks.core import Block
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.loading import load_block
from deployments import doctor, hold, releases, rollback, schema, trigger
from deployments.server import demand_address, unanswered
from rollout.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

URL = "http://127.0.0.1:9/api"  # the discard service's port: nobody listens there
COMMANDS: dict[str, tuple[Callable[[Sequence[str]], int], tuple[str, ...]]] = {
    "doctor": (doctor.main, ("--environment", "rehearsal")),
    "hold": (hold.main, ("hold", "--environment", "rehearsal", "--reason", "a test")),
    "release-hold": (hold.main, ("release-hold", "--environment", "rehearsal")),
    "releases": (releases.main, ("rehearsal",)),
    "schema": (schema.main, ("candidates", "--environment", "rehearsal")),
}


@pytest.fixture
def nowhere() -> Iterator[None]:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


@pytest.fixture
def away() -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: URL}):
        yield


def refused(status: int) -> PrefectHTTPStatusError:
    request = httpx.Request("GET", f"{URL}/admin/version")
    answer = httpx.Response(status, request=request)
    error = httpx.HTTPStatusError("refused", request=request, response=answer)
    return PrefectHTTPStatusError.from_httpx_error(error)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_without_an_address_says_where_it_is_set(
    name: str, capsys: pytest.CaptureFixture[str]
):
    main, words = COMMANDS[name]

    assert main(words) != 0

    told = "".join(capsys.readouterr())
    assert "PREFECT_API_URL: should be the address of Prefect's API" in told
    assert "docs/recover.md" in told


@pytest.mark.usefixtures("nowhere")
def test_the_address_is_demanded_of_the_trigger_too(capsys: pytest.CaptureFixture[str]):
    assert trigger.main(("verify", "--environment", "rehearsal")) != 0

    assert "PREFECT_API_URL" in capsys.readouterr().err
    with pytest.raises(ConfigInvalid, match="PREFECT_API_URL"):
        demand_address()


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_that_is_away_is_one_sentence(name: str, capsys: pytest.CaptureFixture[str]):
    main, words = COMMANDS[name]

    assert main(words) != 0

    assert f"Prefect's server at {URL} does not answer" in "".join(capsys.readouterr())


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("name", [*COMMANDS, "rollback"])
def test_a_machine_that_is_no_linux_is_refused_before_anything_is_done(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    back = ("--environment", "rehearsal", "--reason", "a test", "--without-server")
    main, words = {**COMMANDS, "rollback": (rollback.main, back)}[name]
    monkeypatch.setattr(sys, "platform", "darwin")

    assert main(words) != 0

    told = "".join(capsys.readouterr())
    assert "this machine is no Linux (darwin), and only a Linux reaches the host" in told
    assert "Run it on the operations machine, or on any other Linux machine" in told
    assert URL not in told


@pytest.mark.usefixtures("away")
def test_a_login_that_is_missing_is_told_as_such():
    assert "wants another login" in unanswered(refused(401)).true
    assert "PREFECT_API_AUTH_STRING" in unanswered(refused(401)).next_step
    assert "does not answer" in unanswered(refused(503)).true


def test_the_rollback_says_it_too(tmp_path: object):
    environment = {name: text for name, text in os.environ.items() if name != "PREFECT_API_URL"}
    words = (sys.executable, "-m", "deployments.rollback", "--reason", "a test")

    done = subprocess.run(
        words,
        env={**environment, "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "PREFECT_API_URL should be its address" in done.stderr


@pytest.mark.usefixtures("away")
def test_a_rollback_with_another_login_ends_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse(_: object) -> int:
        raise refused(401)

    monkeypatch.setattr(rollback, "server_answers", lambda: True)
    monkeypatch.setattr(rollback, "_roll_back", refuse)

    assert rollback.main(["--reason", "a test"]) == 1

    told = capsys.readouterr().err
    assert told.startswith(f"rollback: Prefect's server at {URL} wants another login\n")
    assert "\nnext: Set PREFECT_API_AUTH_STRING" in told


class _WithoutLogin(Block):
    @classmethod
    def load(cls, *_: Any, **__: Any) -> Any:
        raise DefaultCredentialsError("Your default credentials were not found")


def test_a_block_that_wants_a_login_of_googles_says_so():
    with pytest.raises(ConfigInvalid, match="its credentials cannot be used: Your default"):
        load_block(_WithoutLogin, "production-project")
