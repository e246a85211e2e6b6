"""Known failures between the plan of a migration and its application: the backup, the scratch copy.

Each is produced for real: Google's stand-in refuses as Google does, PostgreSQL is PostgreSQL.
"""

from __future__ import annotations

import secrets as chance
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from rollout.errors import BackupFailed, Refused, RolloutError, ScratchUnusable
from rollout.executors.dry_run import try_migrations
from rollout.executors.pg_dump import dump_schema
from rollout.executors.scratch import scratch_database, scratch_server
from rollout.model.command import Secret
from rollout.model.contract import Scope
from rollout.model.diagnosis import Retry
from rollout.model.finding import Finding
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, Scratch, folder
from tests.support.database import scratch_database as live_database
from tests.support.diagnoses import diagnosed
from tests.support.sql_admin import backups, instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollout.model.diagnosis import Diagnosis

pytestmark = pytest.mark.rehearsal

LATE_S, LONG_S = 0.3, 60.0


def told(kind: type[RolloutError], act: Callable[[], object]) -> Diagnosis:
    """Return what is said of the error that an act ends with."""
    with pytest.raises(kind) as caught:
        act()
    return diagnosed(caught.value)


@pytest.mark.parametrize(
    ("facts", "code", "seen", "retry"),
    [
        ({"denied": ["cloudsql.backupRuns.create"]}, "backup-refused", "HTTP 403", Retry.AFTER),
        ({"busy": True}, "backup-quota", "Quota exceeded for quota metric", Retry.SAFE),
        ({"fate": "failed"}, "backup-failed", "INTERNAL_ERROR: ", Retry.AFTER),
        ({"fate": "endless"}, "backup-late", "has not ended within 0.3 s", Retry.AFTER),
    ],
)
def test_a_backup_that_does_not_come_about(
    facts: dict[str, object], code: str, seen: str, retry: Retry
):
    with instance(**facts) as there:
        within_s = LATE_S if code == "backup-late" else LONG_S
        found = told(BackupFailed, lambda: backups().make(there.name, "a test", within_s))

    assert (found.code, found.retry, found.also) == (code, retry, ())
    assert seen in found.seen
    assert found.impact == "Users notice nothing: what served before serves on."


def test_a_backup_of_an_instance_that_is_none():
    found = told(BackupFailed, lambda: backups().make("nowhere", "a test", LONG_S))

    assert (found.code, found.cause) == ("backup-refused", "there is no instance of that name")


@pytest.fixture(scope="module")
def live() -> Iterator[Scratch]:
    with live_database() as one:
        yield one


@contextmanager
def login(live: Scratch, password: str = "hunter22") -> Iterator[DatabaseAddress]:
    """Yield the address of a user who may log in, with its password, and make nothing."""
    name = f"plain_{chance.token_hex(4)}"
    live.ask(f"CREATE ROLE {name} LOGIN PASSWORD 'hunter22'")
    parts = urlsplit(live.url)
    netloc = f"{name}:{password}@{parts.hostname}:{parts.port or 5432}"
    try:
        yield DatabaseAddress(Secret(urlunsplit(parts._replace(netloc=netloc))))
    finally:
        live.ask(f"DROP ROLE {name}")


def make_one(server: DatabaseAddress) -> None:
    with scratch_server(server, print) as admin, scratch_database(admin, server, print):
        pass


def nobody() -> DatabaseAddress:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return DatabaseAddress(Secret(f"postgresql://u:hunter22@127.0.0.1:{port}/postgres"))


def test_a_scratch_server_whose_user_may_make_no_database(live: Scratch):
    with login(live) as server:
        found = told(ScratchUnusable, lambda: make_one(server))

    assert (found.code, found.also) == ("scratch-forbidden", ())
    assert found.seen.startswith("SQLSTATE 42501: no scratch database can be made")


def test_a_scratch_server_that_does_not_let_its_user_in(live: Scratch):
    with login(live, "hunter22-expired") as server:
        found = told(ScratchUnusable, lambda: make_one(server))

    assert (found.code, found.also) == ("scratch-forbidden", ())
    assert found.seen.startswith("SQLSTATE 28P01: ")
    assert "hunter22" not in repr(found)


def test_nobody_at_the_scratch_server_also_behind_a_refusal(live: Scratch):
    found = told(ScratchUnusable, lambda: make_one(nobody()))
    pending = folder("create table one (a int)").migrations
    scope, unknown = Scope("postgres"), Finding("no-contract", "no release yet", "ledger", "")
    why = try_migrations(live.address, nobody(), pending, (SCHEMA, TABLE), scope, unknown, print)

    assert isinstance(why, Finding)
    refused = diagnosed(Refused("migrating", (why,)))
    for one in found, refused:
        assert (one.code, one.retry) == ("scratch-unreachable", Retry.SAFE)
        assert "nobody answers there" in one.seen


def test_a_server_that_is_newer_than_every_pg_dump(live: Scratch):
    found = told(ScratchUnusable, lambda: dump_schema(live.address, 99))

    assert (found.code, found.also) == ("no-pg-dump", ())
    assert "only older ones are here: " in found.seen
    assert "PostgreSQL 99" in found.seen
