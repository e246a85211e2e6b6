"""The plain server of the application, running: alone, then beside the rehearsed world."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from infra.rehearsal.app import commit, create
from tests.support.application import (
    STARTED_WITHIN_S,
    build_image,
    check_out,
    docker,
    git,
    hashes,
    head,
    migrate,
    node,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "application.git"
    create(folder)
    return folder


@pytest.fixture
def folder(repository: Path) -> Path:
    return check_out(repository, head(repository))


# --- alone ---


def test_without_its_neighbours_it_says_which_are_missing(folder: Path):
    with serving(folder, APP_VERSION="a" * 40) as server:
        status, told = server.health()
    assert status == 503
    assert list(told) == ["status", "checks", "timestamp", "version"]
    assert (told["status"], told["version"]) == ("unhealthy", "a" * 40)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["timestamp"])
    assert list(told["checks"]) == ["database", "redis", "typesense"]
    for check in told["checks"].values():
        assert check["ok"] is False
        assert isinstance(check["latencyMs"], int)


def test_a_neighbour_that_never_answers_does_not_hold_the_health_check(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = {
            "DATABASE_URL": f"postgresql://a:b@{address}/a",
            "REDIS_URL": f"redis://{address}",
            "TYPESENSE_URL": f"http://{address}",
        }
        with serving(folder, **settings) as server:
            began = time.monotonic()
            assert server.health()[0] == 503
            # Docker's own limit of the health check is 5 s.
            assert time.monotonic() - began < 4


def test_the_page_shows_edition_and_version(folder: Path):
    with serving(folder, APP_VERSION="b" * 40) as server:
        status, page = server.ask("/")
    assert status == 200
    assert b"<h1>Trovella, edition 1</h1>" in page
    assert f"<code>{'b' * 40}</code>".encode() in page


def test_a_body_is_echoed_to_the_byte(folder: Path):
    sent = bytes(range(256)) * 1000
    with serving(folder) as server:
        assert server.ask("/api/echo", "POST", sent) == (200, sent)
        assert server.ask("/api/echo", "POST", b"x" * (1024 * 1024 + 1))[0] == 413


def test_asked_to_stop_it_finishes_the_answer_under_way(folder: Path):
    with serving(folder) as server:
        assert server.stop_during_an_answer() == (b"done", 0)
        with pytest.raises(ConnectionRefusedError):
            server.ask("/")


def test_the_development_seeds_are_refused_in_production(folder: Path):
    settings = {"NODE_ENV": "production", "DATABASE_URL": "postgresql://a@127.0.0.1:1/a"}
    refused = node(folder, "packages/db/src/seed.js", "development", **settings)
    assert refused.returncode == 1
    assert refused.stderr == (
        "seed: the development tier empties tables and NODE_ENV is production; "
        "nothing was changed\n"
    )


def test_a_plain_server_has_nothing_to_build(folder: Path):
    built = node(folder, "scripts/build.js")
    assert (built.returncode, built.stdout) == (0, "build: the web application runs as it is\n")


# --- with the rehearsed world ---


@pytest.fixture
def world() -> dict[str, Any]:
    return json.loads(Path(os.environ["REHEARSAL_WORLD"]).read_text())


@pytest.fixture
def database(world: dict[str, Any]) -> Iterator[str]:
    """Return the address of an empty database that is dropped at the end."""
    server, name = world["database_admin_url"], f"app_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.rehearsal
def test_with_some_neighbours_it_is_degraded_and_keeps_serving(
    folder: Path, database: str, world: dict[str, Any]
):
    with serving(folder, DATABASE_URL=database, REDIS_URL=world["redis_url"]) as server:
        status, told = server.health()
    assert (status, told["status"]) == (200, "degraded")
    answers = {name: check["ok"] for name, check in told["checks"].items()}
    assert answers == {"database": True, "redis": True, "typesense": False}
    assert told["version"] == "development"


@pytest.mark.rehearsal
def test_a_wrong_password_makes_redis_and_database_fail_without_being_told(
    folder: Path, database: str, world: dict[str, Any]
):
    settings = {
        "DATABASE_URL": with_password(database, "not-the-password"),
        "REDIS_URL": with_password(world["redis_url"], "not-the-password"),
    }
    with serving(folder, **settings) as server:
        _, told = server.health()
        log = server.log.read_text()
    assert not any(check["ok"] for check in told["checks"].values())
    assert "28P01" in log
    assert "not-the-password" not in log


@pytest.mark.rehearsal
def test_a_cut_connection_to_the_database_is_replaced(folder: Path, database: str):
    name = urlsplit(database).path[1:]
    with serving(folder, DATABASE_URL=database) as server:
        assert server.health()[1]["checks"]["database"]["ok"] is True
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid()",
                (name,),
            )
        deadline = time.monotonic() + STARTED_WITHIN_S
        while not (recovered := server.health()[1]["checks"]["database"]["ok"]):
            # One request may meet the old connection before its end has arrived.
            assert time.monotonic() < deadline
        assert recovered


@pytest.mark.rehearsal
def test_notes_are_kept_and_read_back(repository: Path, database: str):
    folder = check_out(repository, commit(repository))
    migrate(folder, database)
    with serving(folder, DATABASE_URL=database) as server:
        note = json.dumps({"body": "it's naïve", "author": "ada"}).encode()
        assert server.ask("/api/notes", "POST", note)[0] == 201
        assert server.ask("/api/notes", "POST", b"{")[0] == 400
        told = json.loads(server.ask("/api/notes")[1])
    assert told["total"] == 1
    assert told["notes"][0]["body"] == "it's naïve"
    assert told["notes"][0]["label_2"] is None


@pytest.mark.rehearsal
def test_an_edition_with_a_migration_needs_it(repository: Path, database: str):
    migrate(check_out(repository, head(repository)), database)
    with serving(check_out(repository, commit(repository)), DATABASE_URL=database) as server:
        assert server.ask("/api/notes")[0] == 500


@pytest.mark.rehearsal
def test_reference_seeds_run_in_production_and_again(folder: Path, database: str):
    migrate(folder, database)
    settings = {"NODE_ENV": "production", "DATABASE_URL": database}
    for _ in range(2):
        done = node(folder, "packages/db/src/seed.js", **settings)
        assert (done.returncode, done.stdout) == (0, "ai_model: 4 rows\nai_model_pricing: 4 rows\n")


@pytest.mark.rehearsal
def test_a_seed_that_fails_leaves_no_row(folder: Path, database: str):
    migrate(folder, database)
    seeds = folder / "packages/db/src/seeds/reference.json"
    spoiled = seeds.read_text().replace('"output_usd_per_million": "0.00"', '"no_such_column": "0"')
    seeds.write_text(spoiled)
    done = node(folder, "packages/db/src/seed.js", DATABASE_URL=database)
    assert done.returncode == 1
    assert "42703" in done.stderr
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM ai_model").fetchone() == (0,)


@pytest.mark.rehearsal
def test_every_commit_passes_the_checks_that_need_a_database(
    repository: Path, world: dict[str, Any]
):
    for fault in (None, "migration", None):
        folder = check_out(repository, commit(repository, fault))
        done = node(folder, "scripts/test.js", "database", DATABASE_URL=world["database_admin_url"])
        assert done.returncode == 0, done.stdout


@pytest.mark.rehearsal
def test_the_migration_fault_fails_on_rows_only_and_leaves_nothing(repository: Path, database: str):
    sound = check_out(repository, head(repository))
    migrate(sound, database)
    assert node(sound, "packages/db/src/seed.js", DATABASE_URL=database).returncode == 0
    faulty = check_out(repository, commit(repository, "migration"))
    with pytest.raises(psycopg.errors.NotNullViolation):
        migrate(faulty, database, beginning=len(hashes(sound)))
    with psycopg.connect(database) as connection:
        left = connection.execute("SELECT to_regclass('ai_model_provider_idx')").fetchone()
    assert left == (None,)


@pytest.mark.rehearsal
def test_a_repository_of_another_user_takes_commits(repository: Path):
    before = head(repository)
    for path in [repository, *repository.rglob("*")]:
        shutil.chown(path, 65534, 65534)
    assert git(repository, "rev-parse", f"{commit(repository)}~1") == before


@pytest.mark.rehearsal
def test_the_image_runs_the_commit_that_it_was_built_from(repository: Path, world: dict[str, Any]):
    version = commit(repository)
    name = f"app-test:{uuid.uuid4().hex[:12]}"
    built = build_image(world, check_out(repository, version), name, version)
    assert built.returncode == 0, built.stderr
    facts = "`${process.env.APP_VERSION} ${process.getuid()}`"
    told = docker(world, "run", "--rm", "--network=none", name, "node", "-p", facts)
    files = docker(
        world, "run", "--rm", "--network=none", name, "find", "/app", "-name", "*.test.js"
    )
    docker(world, "image", "rm", "--force", name)
    assert told.stdout.split() == [version, "1000"]
    assert (files.returncode, files.stdout) == (0, "")


@pytest.mark.rehearsal
def test_the_build_fault_fails_in_its_own_step(repository: Path, world: dict[str, Any]):
    version = commit(repository, "build")
    built = build_image(world, check_out(repository, version), "app-test:faulty", version)
    assert built.returncode != 0
    assert "prerender.js" in built.stderr


def with_password(url: str, password: str) -> str:
    return re.sub(r":[^:@/]+@", f":{password}@", url)
