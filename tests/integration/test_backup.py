"""Backups before destruction, through Google's own client: made, failed, late, refused; noted."""

from __future__ import annotations

import json
from pathlib import Path

import google_auth_httplib2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from googleapiclient import discovery

from rollout.errors import BackupFailed, BackupRefused, BackupUnavailable
from rollout.executors.backup import Backups
from rollout.model.backup import Backup
from tests.support.database import SCHEMA, TABLE, folder, scratch_database
from tests.support.google import credentials
from tests.support.sql_admin import PROJECT, Instance, backups, instance
from tests.support.world import facts

pytestmark = pytest.mark.rehearsal

FIRST, SECOND = "create table one (a int)", "create table two (a int)"
NOBODY = "https://127.0.0.1:9"
LATE_S = 0.3
LONG_S = 60


def failure(there: Instance, timeout_s: float = LONG_S) -> BackupFailed:
    with pytest.raises(BackupFailed) as failed:
        backups().make(there.name, "a test", timeout_s)
    return failed.value


def test_a_backup_is_awaited_and_its_number_returned():
    logged: list[str] = []
    with instance() as there:
        number = backups(logged.append).make(there.name, "before 0007_drop", LONG_S)

        (run,) = there.runs()
    assert (run["id"], run["status"], run["type"]) == (number, "SUCCESSFUL", "ON_DEMAND")
    assert run["description"] == "before 0007_drop"
    assert logged == [
        f"backup {number} of trovella-prod/{there.name} is being made",
        f"backup {number} of trovella-prod/{there.name} is made",
    ]


def test_a_backup_that_fails_is_told_in_googles_words():
    with instance(fate="failed") as there:
        failed = failure(there)

    assert failed.true == (
        f"the backup of trovella-prod/{there.name} failed: "
        "INTERNAL_ERROR: The disk's snapshot could not be made."
    )
    assert failed.left == "Nothing was changed."
    assert "then retry" in failed.next_step
    assert not failed.retry_safe


def test_a_backup_that_does_not_end_is_left_to_itself():
    with instance(fate="endless") as there:
        late = failure(there, LATE_S)
        again = failure(there)

        assert len(there.runs()) == 1
    assert late.true.endswith(f"has not ended within {LATE_S} s")
    assert late.left.startswith("Nothing was applied; operation ")
    assert late.left.endswith(" goes on by itself.")
    assert "backup_timeout_s" in late.next_step
    assert "HTTP 409" in again.true
    assert "wait until it has ended" in again.next_step


@pytest.mark.parametrize("permission", ["cloudsql.backupRuns.create", "cloudsql.instances.get"])
def test_a_missing_permission_is_named(permission: str):
    with instance(denied=[permission]) as there:
        refused = failure(there)

    assert refused.true == (
        f"the backup of trovella-prod/{there.name} was refused: HTTP 403: "
        f"The client is not authorized to make this request. (needed: {permission})"
    )
    assert refused.next_step.startswith(f"Give the worker's account {permission} on project")
    assert not refused.retry_safe


def test_an_instance_that_is_none_is_told():
    missing = failure(Instance("nowhere"))

    assert missing.true == (
        "the backup of trovella-prod/nowhere was refused: HTTP 404: "
        "The Cloud SQL instance does not exist."
    )
    assert "[migrations] backup_instance" in missing.next_step


def test_a_key_that_google_does_not_know_is_told(tmp_path: Path):
    account = tmp_path / "account.json"
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    known = json.loads(Path(facts()["service_account_key"]).read_text())
    account.write_text(json.dumps(known | {"private_key": key.decode()}))

    with pytest.raises(BackupRefused) as raised:
        backups(service_account_file=str(account)).make("any", "a test", LONG_S)

    assert (raised.value.http_status, raised.value.retry_safe) == (401, False)
    assert "Google does not take the worker's login: ('invalid_grant" in raised.value.true
    assert raised.value.next_step == "Renew the credentials of the gcp-project block, then retry."
    assert "PRIVATE KEY" not in str(raised.value)


def test_a_google_that_does_not_answer_is_safe_to_ask_again():
    http = google_auth_httplib2.AuthorizedHttp(credentials())
    asked = {"http": http, "client_options": {"api_endpoint": NOBODY}, "cache_discovery": False}
    client = discovery.build("sqladmin", "v1", **asked)

    with pytest.raises(BackupUnavailable) as raised:
        Backups(PROJECT, client, lambda _: None).make("any", "a test", LONG_S)

    assert raised.value.retry_safe
    assert raised.value.left.startswith("Nothing was applied")


def test_the_marker_names_the_backup_and_another_try_does_not_make_it_younger():
    made = Backup("17", ("a", "b"))
    with scratch_database() as scratch:
        for texts in (FIRST,), (FIRST, SECOND):
            with scratch.open() as database:
                for file in folder(*texts).migrations:
                    database.apply(file, SCHEMA, TABLE, backup=made)
                noted = database.noted_backup(SCHEMA, TABLE)

        markers = scratch.ask("select backup, backed_up from deploy.migration_marker order by id")
        between = scratch.ask(
            "select extract(epoch from max(at) - min(at)) from deploy.migration_marker"
        )
        marked = next(line for line in scratch.logged if line.startswith("before anything is"))

    assert markers == [("17", ["a", "b"])] * 2
    assert noted is not None
    assert (noted.id, noted.files) == ("17", ("a", "b"))
    assert noted.age_s >= between[0][0] > 0
    assert ", backup 17, " in marked


def test_notes_from_before_there_were_backups_have_none():
    with scratch_database() as scratch:
        scratch.apply(folder(FIRST))
        scratch.ask("alter table deploy.migration_marker drop column backup, drop column backed_up")
        with scratch.open() as database:
            assert database.noted_backup(SCHEMA, TABLE) is None
