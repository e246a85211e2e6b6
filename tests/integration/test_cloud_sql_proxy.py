"""The database through the Cloud SQL Auth Proxy, whose stand-in really carries the bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from blocks.app_database import AppDatabase
from deployments.documents import gcp_project
from deployments.facts import read_world
from infra.rehearsal.shell import wait_until
from rollout.diagnose.collect import evidence_of
from rollout.diagnose.match import diagnose
from rollout.errors import AlreadyMigrating, DatabaseProxyRefused, DatabaseUnreachable
from rollout.executors.contract import read_contract
from rollout.executors.database import Database
from rollout.executors.pg_dump import dump_schema
from rollout.model.around import Around
from rollout.model.command import Secret
from rollout.model.contract import Scope
from tests.support.database import SCHEMA, TABLE, folder, scratch_database
from tests.support.sql_admin import PROJECT, Instance, instance
from tests.support.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.target import DatabaseAddress

pytestmark = pytest.mark.rehearsal

HOLD = """
import json, sys, time
from rollout.executors.database import Database
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress
url, words, ready, key = json.load(sys.stdin)
with Database(DatabaseAddress(Secret(url), tuple(words), ready, Secret(key)), print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-in where the real one would be, and leave the machine no identity."""
    places = (ROOT / "tests/support/bin", Path(sys.executable).parent, os.environ["PATH"])
    monkeypatch.setenv("PATH", ":".join(map(str, places)))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@pytest.fixture
def there() -> Iterator[Instance]:
    with instance() as made:
        yield made


def address(there: Instance, name: str = "") -> DatabaseAddress:
    """Return what a block with the typed choice hands out."""
    project = gcp_project(read_world(Path(os.environ["REHEARSAL_WORLD"])).gcp_project)
    connection_name = f"{PROJECT}:us-central1:{name or there.name}"
    return AppDatabase(
        url_secret="trovella-database-url", cloud_sql=connection_name, gcp=project
    ).address()


def key_of(way: DatabaseAddress) -> str:
    assert way.proxy_key is not None
    return way.proxy_key.reveal()


def proxies() -> list[str]:
    """Return the processes of every proxy, the shells around them too."""
    found = subprocess.run(
        ("pgrep", "-f", "cloud-sql-proxy --address"), capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def test_one_proxy_serves_all_sessions_of_a_run_and_ends_with_the_last(there: Instance):
    logged: list[str] = []
    way = address(there)

    with Database(way, logged.append) as outer:
        assert address(there) == way
        # Others of the same run: their own session, their own program.
        contract = read_contract(way, Scope("trovella-app"), logged.append)
        dump = dump_schema(way, 17)
        assert outer.user == "trovella-app"
        assert len(proxies()) == 3  # the shell, the program and what waits for our end

    assert contract.role == "trovella-app"
    assert "SET client_encoding = 'UTF8';" in dump
    assert not proxies()
    assert sum("Connection test passed" in line for line in logged) == 1
    assert all(line.startswith("proxy | 20") for line in logged)


def test_a_migration_has_its_session_and_its_lock_through_the_proxy(there: Instance):
    way = address(there)
    migration = folder("select 1;").migrations[0]

    with scratch_database() as scratch:
        parts, near = urlsplit(scratch.url), urlsplit(way.url.reveal())
        netloc = f"{parts.username}:{parts.password}@{near.hostname}:{near.port}"
        way = replace(way, url=Secret(urlunsplit(parts._replace(netloc=netloc))))
        with Database(way, print) as first, Database(way, print) as second:
            assert first.apply(migration, SCHEMA, TABLE) == "applied"
            with pytest.raises(AlreadyMigrating):
                second.apply(migration, SCHEMA, TABLE)
        with Database(way, print) as third:
            assert third.apply(migration, SCHEMA, TABLE) == "already applied"


def test_a_run_that_is_killed_leaves_no_proxy(there: Instance):
    way = address(there)
    given = (way.url.reveal(), way.proxy_command, way.proxy_ready, key_of(way))
    run = subprocess.Popen(
        (sys.executable, "-c", HOLD),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdin.write(json.dumps(given))
    run.stdin.close()
    assert any(line == "held\n" for line in run.stdout)
    assert len(proxies()) == 3

    run.send_signal(signal.SIGKILL)
    run.wait()

    wait_until(lambda: not proxies(), "the proxy to end")


def test_nothing_secret_is_on_a_command_line(there: Instance):
    way = address(there)

    with Database(way, print):
        shown = Path(f"/proc/{proxies()[0]}/cmdline").read_text()

    assert "cloud-sql-proxy" in shown
    assert "PRIVATE KEY" not in shown
    assert "PRIVATE KEY" in key_of(way)
    assert "PRIVATE KEY" not in repr(way)


@pytest.mark.parametrize(
    ("fault", "said", "cause"),
    [
        (
            "withdrawn",
            "invalid_grant",
            "the worker's Google login has expired, or there is none",
        ),
        (
            "nobody",
            "could not find default credentials",
            "the worker's Google login has expired, or there is none",
        ),
        (
            "denied",
            "Error 403: The client is not authorized to make this request., notAuthorized",
            "the worker's account may not reach the database's instance",
        ),
        (
            "nowhere",
            "googleapi: Error 404: The Cloud SQL instance does not exist., instanceDoesNotExist",
            "there is no instance of the name that the database's block says",
        ),
    ],
)
def test_what_google_refuses_the_proxy_is_told_and_known(
    there: Instance, fault: str, said: str, cause: str
):
    way = address(there, "nowhere" if fault == "nowhere" else "")
    if fault == "denied":
        there.change(denied=["cloudsql.instances.connect"])
    if fault in {"withdrawn", "nobody"}:
        way = replace(way, proxy_key=_withdrawn(way) if fault == "withdrawn" else None)

    with pytest.raises(DatabaseProxyRefused) as refused, Database(way, print):
        pass

    assert refused.value.true.startswith("the database's proxy cloud-sql-proxy is not ready (")
    assert said in refused.value.true
    assert "PRIVATE KEY" not in str(refused.value)
    assert not refused.value.retry_safe
    told = diagnose(evidence_of(refused.value, "migrate-prod: plan", Around()))
    assert (told.code, told.cause) == ("database-proxy-refused", cause)
    assert not proxies()


def test_a_proxy_that_is_not_installed_is_told(there: Instance, monkeypatch: pytest.MonkeyPatch):
    way = address(there)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    with pytest.raises(DatabaseUnreachable, match="cloud-sql-proxy cannot be started: there is no"):
        Database(way, print).__enter__()


def _withdrawn(way: DatabaseAddress) -> Secret:
    """Return the account with a key that Google does not know any more."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Secret(json.dumps(json.loads(key_of(way)) | {"private_key": key.decode()}))
