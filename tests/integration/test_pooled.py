"""A real pgbouncer between us and the database: of transactions it is refused, of sessions not."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from infra.rehearsal.cloud_machine import cloud
from infra.rehearsal.paths import Rehearsal
from rollout.errors import DatabaseError
from rollout.executors.database import Database
from rollout.executors.tcp import accepts, wait_until
from rollout.model.command import Secret
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, Scratch, folder, scratch_database
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

PORT = 6543
SETTINGS = """
[databases]
{database} = host={host} port={port} dbname={database} user={user} password={password}
[pgbouncer]
listen_addr = {host}
listen_port = {pooled}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
pidfile = /tmp/pooled/pid
logfile = /tmp/pooled/log
"""
START = """
set -e
rm -rf /tmp/pooled; mkdir /tmp/pooled; cat > /tmp/pooled/ini; chown -R postgres /tmp/pooled
pgbouncer -q -d -u postgres /tmp/pooled/ini > /dev/null 2>&1
"""


@contextmanager
def pooled(scratch: Scratch, mode: str) -> Iterator[DatabaseAddress]:
    """Yield the address of a pooler that runs beside the server."""
    parts = urlsplit(scratch.url)
    host = str(parts.hostname)
    settings = SETTINGS.format(
        database=parts.path.strip("/"),
        host=host,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        pooled=PORT,
        mode=mode,
    )
    machine = cloud(Rehearsal(facts()["name"]))
    machine.run("sh", "-c", START, stdin=settings)
    try:
        assert wait_until(lambda: accepts(host, PORT), 10, lambda: True)
        netloc = f"{parts.username}:{parts.password}@{host}:{PORT}"
        yield DatabaseAddress(Secret(urlunsplit(parts._replace(netloc=netloc))))
    finally:
        machine.run("sh", "-c", "kill $(cat /tmp/pooled/pid)")
        assert wait_until(lambda: not accepts(host, PORT), 10, lambda: True)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


def test_a_pooler_of_transactions_is_refused_before_anything_is_taken_or_made(scratch: Scratch):
    with (
        pooled(scratch, "transaction") as address,
        pytest.raises(DatabaseError) as refused,
        Database(address, scratch.log) as database,
    ):
        database.apply(folder("select 1;").migrations[0], SCHEMA, TABLE)

    assert str(refused.value) == (
        "the connection has no session of its own: a pooler of transactions stands between\n"
        "left: Nothing was changed.\n"
        "next: Name the database's direct address in its block (`host` and `port`), not the "
        "pooler's; the Cloud SQL Auth Proxy is none, managed connection pooling is one."
    )
    assert scratch.ask(
        "select count(*) from pg_namespace where nspname in ('drizzle', 'deploy')"
    ) == [(0,)]


def test_a_pooler_of_sessions_is_as_good_as_none(scratch: Scratch):
    with pooled(scratch, "session") as address, Database(address, scratch.log) as database:
        outcome = database.apply(folder("select 1;").migrations[0], SCHEMA, TABLE)

    assert outcome == "applied"
    assert len(scratch.rows()) == 1
