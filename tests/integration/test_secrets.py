"""Secrets through Google's own client: versions, and everything that makes one unusable."""

from __future__ import annotations

import secrets as chance
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal.google import stored
from infra.rehearsal.google_rules import Version
from rollout.errors import SecretStoreRefused, SecretStoreUnavailable, SecretUnusable
from rollout.executors import secrets as executor
from rollout.executors.secrets import SecretStore
from rollout.model.command import Secret
from rollout.model.secrets import Reading, SecretValue, Unusable
from tests.support.google import secret_manager
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.rehearsal

PROJECT = "trovella-prod"
STATES = {"+": "ENABLED", "-": "DISABLED", "x": "DESTROYED"}


@pytest.fixture(scope="module")
def store() -> SecretStore:
    return SecretStore(PROJECT, secret_manager())


@pytest.fixture
def secret() -> Iterator[Callable[..., str]]:
    """Make secrets of this test's own; a version's first character is its state."""
    made: list[str] = []
    path = Path(facts()["google_store"])

    def make(*versions: str, denied: str = "") -> str:
        name = f"test-{chance.token_hex(4)}"
        full = f"projects/{PROJECT}/secrets/{name}"
        made.append(full)
        with stored(path) as there:
            there.secrets[full] = [Version(STATES[text[0]], text[1:]) for text in versions]  # pyright: ignore[reportArgumentType]
            there.denied |= {full} if denied else set()
        return name

    yield make
    with stored(path) as there:
        for full in made:
            there.secrets.pop(full, None)
            there.denied.discard(full)


def refusal(store: SecretStore, *names: str, **versions: str) -> str:
    with pytest.raises(SecretUnusable) as refused:
        store.read(names, versions)
    assert not refused.value.retry_safe
    return refused.value.true


def test_the_newest_version_is_read_with_its_number(store, secret):
    name = secret("+old", "+new")

    assert store.read([name]) == {name: SecretValue(name, "2", Secret("new"))}


def test_an_older_version_is_read_by_its_number(store, secret):
    name, other = secret("+old", "-new"), secret("+only")

    assert store.read([name, other, name], {name: "1"}) == {
        name: SecretValue(name, "1", Secret("old")),
        other: SecretValue(other, "1", Secret("only")),
    }


def test_a_value_is_never_shown(store, secret):
    name = secret("+hunter22")

    assert "hunter22" not in repr(store.read([name]))


@pytest.mark.parametrize(
    ("stored_text", "read"),
    [("line\n", "line"), ("a\nb\n\n", "a\nb"), (" pädded ", " pädded "), ("q'\"$#", "q'\"$#")],
)
def test_all_but_the_last_line_ends_is_kept(store, secret, stored_text: str, read: str):
    name = secret(f"+{stored_text}")

    assert store.read([name])[name].value.reveal() == read


def test_everything_that_cannot_be_used_is_named_at_once(store, secret):
    good, disabled, destroyed = secret("+v"), secret("+v", "-v"), secret("xv")
    empty, none, denied = secret("+ \n"), secret(), secret("+v", denied="yes")
    names = (good, disabled, destroyed, empty, none, denied, "test-absent")

    assert refusal(store, *names) == (
        f"6 of 7 secrets of {PROJECT} cannot be used: "
        f"{disabled} is disabled; {destroyed} is destroyed; {empty} is empty (version 1); "
        f"{none} does not exist or has no version; {denied} may not be read by the worker's "
        "account; test-absent does not exist or has no version"
    )


def test_a_version_that_is_not_there_is_named(store, secret):
    name = secret("+v")

    assert refusal(store, name, **{name: "7"}).endswith(f"{name} has no version 7")


def test_what_makes_no_variable_is_told_before_anything_changes(store, secret):
    name = secret("+a\0b")

    assert refusal(store, name).endswith(f"{name} holds a zero byte, which no variable can")


def test_looking_at_versions_tells_which_were_taken_away(store, secret):
    good, disabled, destroyed = secret("+old", "+new"), secret("-v", "+new"), secret("xv")
    denied, absent = secret("+v", denied="yes"), secret("+v")
    names = (good, disabled, destroyed, denied)

    seen = store.look_at({**dict.fromkeys(names, "1"), absent: "7"})

    assert seen == Reading(
        {good: SecretValue(good, "1", Secret("old"))},
        {
            disabled: Unusable(disabled, "is disabled", withdrawn=True),
            destroyed: Unusable(destroyed, "is destroyed", withdrawn=True),
            denied: Unusable(denied, "may not be read by the worker's account"),
            absent: Unusable(absent, "has no version 7", withdrawn=True),
        },
    )


def test_a_name_that_is_none_is_told(store):
    assert "cannot be used: no/name " in refusal(store, "no/name")


def test_all_fourteen_of_production_are_read(store):
    with stored(Path(facts()["google_store"])) as there:
        names = [
            full.rpartition("/")[2]
            for full in there.secrets
            if full.startswith(f"projects/{PROJECT}/secrets/trovella-")
        ]

    assert len(store.read(names)) == len(names) >= 14


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr(executor, "_RETRY", executor._RETRY.with_timeout(1.0))
    elsewhere = secret_manager(client_options={"api_endpoint": "10.77.0.12:1"})

    with pytest.raises(SecretStoreUnavailable) as unavailable:
        SecretStore(PROJECT, elsewhere).read(["trovella-database-url"])

    assert unavailable.value.retry_safe
    assert unavailable.value.true.startswith("Secret Manager cannot be asked: ")


def test_the_caller_is_not_known():
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

    nobody = SecretManagerServiceClient(credentials=AnonymousCredentials())

    with pytest.raises(SecretStoreRefused, match="login: Unauthenticated") as refused:
        SecretStore(PROJECT, nobody).read(["trovella-database-url"])

    assert not refused.value.retry_safe


def test_a_persons_login_that_has_expired_is_named_at_once():
    """Google's client tells it as a service that is not there."""
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.oauth2.credentials import Credentials

    expired = Credentials(
        token=None,
        refresh_token="expired",
        token_uri="https://oauth2.googleapis.com/token",
        client_id="a-person",
        client_secret="of-the-cli",
    )
    store = SecretStore(PROJECT, SecretManagerServiceClient(credentials=expired))

    # What was asked again and again ends as a RetryError.
    with pytest.raises(SecretStoreRefused, match=r"login: ServiceUnavailable: .*invalid_grant"):
        store.read(["trovella-database-url"])
