"""The Next.js kind of the application: built without a network, then running."""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.rehearsal.app import create, packages
from tests.support.application import (
    STARTED_WITHIN_S,
    Server,
    build_image,
    check_out,
    docker,
    node,
    serving,
)

pytestmark = pytest.mark.rehearsal

STANDALONE = "apps/web/.next/standalone"
CACHE = Path(__file__).parents[2] / ".rehearsal/cache/next"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work tree whose web application is built from packages that lie ready."""
    place = tmp_path_factory.mktemp("next")
    packages.provide(CACHE, place / "home")
    folder = check_out(place / "application.git", create(place / "application.git", "next"))
    done = node(folder, "scripts/build.js", HOME=str(place / "home"))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    return json.loads(Path(os.environ["REHEARSAL_WORLD"]).read_text())


def test_it_answers_as_the_plain_server_does(built: Path, world: dict[str, Any]):
    version = built.name
    neighbours = {"DATABASE_URL": world["database_admin_url"], "REDIS_URL": world["redis_url"]}
    with serving(
        built / STANDALONE, "apps/web/server.js", APP_VERSION=version, **neighbours
    ) as app:
        status, told = app.health()
        assert (status, told["status"], told["version"]) == (200, "degraded", version)
        answers = {name: check["ok"] for name, check in told["checks"].items()}
        assert answers == {"database": True, "redis": True, "typesense": False}
        assert_routes(app, version)


def assert_routes(app: Server, version: str) -> None:
    status, page = app.ask("/")
    assert status == 200
    assert b"<h1>Trovella, edition 1</h1>" in page
    assert f"{version}</code>".encode() in page
    sent = bytes(range(256)) * 1000
    assert app.ask("/api/echo", "POST", sent) == (200, sent)
    assert app.ask("/api/notes", "POST", b"{")[0] == 400


def test_without_neighbours_it_is_unhealthy(built: Path):
    with serving(built / STANDALONE, "apps/web/server.js") as app:
        status, told = app.health()
    assert (status, told["status"]) == (503, "unhealthy")


def test_asked_to_stop_it_finishes_the_answer_under_way(built: Path):
    with serving(built / STANDALONE, "apps/web/server.js") as app:
        last, code = app.stop_during_an_answer()
    assert last == b"done"
    # Next.js ends with the signal's own status once nothing is under way.
    assert code == 143


def test_the_image_needs_nothing_but_the_standalone_output(built: Path, world: dict[str, Any]):
    name = f"app-test:{uuid.uuid4().hex[:12]}"
    made = build_image(world, built, name, built.name)
    assert made.returncode == 0, made.stderr
    started = docker(world, "run", "--detach", "--network=none", name).stdout.strip()
    try:
        page = read_page_inside(world, started)
    finally:
        docker(world, "rm", "--force", started)
        docker(world, "image", "rm", "--force", name)
    assert f"{built.name}</code>" in page


def read_page_inside(world: dict[str, Any], container: str) -> str:
    """Return the first page, asked for in the container itself, once it answers."""
    read = "fetch('http://localhost:3000/').then(async (r) => console.log(await r.text()))"
    deadline = time.monotonic() + STARTED_WITHIN_S
    asked = docker(world, "exec", container, "node", "-e", read)
    while asked.returncode != 0 and time.monotonic() < deadline:
        asked = docker(world, "exec", container, "node", "-e", read)
    assert asked.returncode == 0, docker(world, "logs", container)
    return asked.stdout
