"""Production's third-party images, under their own names, built from the cloud root's packages.

They are built and pushed once; after that the registry's storage comes from the cache. Caddy,
Node.js, PostgreSQL and Redis are the real programs; Typesense, Inngest and the Cloud SQL proxy
speak the real ones' port and health (the proxy really forwards).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.rehearsal import facts
from infra.rehearsal.cloud_machine import cloud
from infra.rehearsal.machines import builder
from infra.rehearsal.paths import HERE, Rehearsal
from infra.rehearsal.roots import build_roots, copy_tools
from infra.rehearsal.shell import run, timed

if TYPE_CHECKING:
    from pathlib import Path

SOURCES: Final = HERE / "images"


@dataclass(frozen=True, slots=True)
class Image:
    """An image to build.

    Attributes:
        folder: of its Dockerfile, below `images/`.
        local: what the others' Dockerfiles and production call it.
        repository: where it lies in the registries' storage, with its tag.
        root: what is copied out of the cloud's root; None for an image without `COPY root/`.
    """

    folder: str
    local: str
    repository: str
    root: tuple[str, ...] | None = None


NODE_ROOT: Final = (
    "/usr/bin/node",
    # The distribution's Node.js reads these of its own parts from files when it starts.
    "/usr/share/nodejs/acorn",
    "/usr/share/nodejs/acorn-walk",
    "/usr/share/nodejs/cjs-module-lexer",
    "/usr/share/nodejs/minimatch",
    "/usr/share/nodejs/undici",
)
POSTGRES_ROOT: Final = (
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/17/lib",
    "/usr/share/postgresql/17",
    "/usr/share/zoneinfo",
    "/usr/lib/locale/C.utf8",
)
IMAGES: Final = (
    Image("busybox", "busybox:1", "library/busybox:1", ()),
    Image("node", "node:20-alpine", "library/node:20-alpine", NODE_ROOT),
    Image("caddy", "caddy:2-alpine", "library/caddy:2-alpine", ("/usr/bin/caddy",)),
    Image("typesense", "typesense/typesense:27.1", "typesense/typesense:27.1"),
    Image("inngest", "inngest/inngest:latest", "inngest/inngest:latest"),
    Image(
        "cloud-sql-proxy",
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.21.2",
        "cloud-sql-connectors/cloud-sql-proxy:2.21.2",
    ),
    Image("pgvector", "pgvector/pgvector:pg18", "pgvector/pgvector:pg18", POSTGRES_ROOT),
    Image("postgres", "postgres:18", "library/postgres:18"),
    Image(
        "redis",
        "redis:8-alpine",
        "library/redis:8-alpine",
        ("/usr/bin/redis-server", "/usr/bin/redis-cli"),
    ),
)


def recipe(rehearsal: Rehearsal) -> str:
    """Return the name of the set of images that these sources, roots and authority make."""
    digest = hashlib.sha256(build_roots(rehearsal.cache).folder.name.encode())
    digest.update((rehearsal.cache / "ca" / "ca.crt").read_bytes())
    digest.update(repr(IMAGES).encode())
    for file in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def restore(rehearsal: Rehearsal) -> None:
    """Fill the registry's storage from the cache, where the cache has what the registry lacks.

    Storage is addressed by content and only tags are replaced, so a registry may run meanwhile.
    """
    cached = rehearsal.cache / "images" / recipe(rehearsal)
    if cached.exists() and not _holds(rehearsal):
        shutil.copytree(cached, rehearsal.state / "registry" / "storage", dirs_exist_ok=True)
        _note(rehearsal)


def ensure_images(rehearsal: Rehearsal, passwords: facts.Passwords) -> None:
    """Build and push the images, unless the registry holds them."""
    if _holds(rehearsal):
        return
    environment = _docker_environment(rehearsal, passwords)
    for image in IMAGES:
        with timed(f"image {image.local}"):
            _build(rehearsal, image, environment)
            pushed = f"{facts.REGISTRY_NAME}/{image.repository}"
            run(["docker", "tag", image.local, pushed], env=environment)
            run(["docker", "push", "--quiet", pushed], env=environment)
            run(["docker", "rmi", pushed], env=environment)
    shutil.rmtree(environment["DOCKER_CONFIG"])
    _keep(rehearsal)
    _note(rehearsal)


def _keep(rehearsal: Rehearsal) -> None:
    """Copy the third-party images, and nothing of the application, to the cache."""
    cached = rehearsal.cache / "images" / recipe(rehearsal)
    copying = cached.with_suffix(f".{os.getpid()}")
    shutil.rmtree(copying, ignore_errors=True)
    application = shutil.ignore_patterns(facts.SHARED_PROJECT)
    shutil.copytree(rehearsal.state / "registry" / "storage", copying, ignore=application)
    shutil.rmtree(cached, ignore_errors=True)
    copying.rename(cached)


def _holds(rehearsal: Rehearsal) -> bool:
    noted = rehearsal.state / "registry" / "images"
    return noted.exists() and noted.read_text(encoding="utf-8") == recipe(rehearsal)


def _note(rehearsal: Rehearsal) -> None:
    noted = rehearsal.state / "registry" / "images"
    noted.write_text(recipe(rehearsal), encoding="utf-8")


def _build(rehearsal: Rehearsal, image: Image, environment: dict[str, str]) -> None:
    context = cloud(rehearsal).state / "images" / image.folder
    shutil.copytree(SOURCES / image.folder, context, dirs_exist_ok=True)
    if image.root is not None:
        script = (SOURCES / "assemble").read_text(encoding="utf-8")
        inside = f"/srv/images/{image.folder}/root"
        cloud(rehearsal).run("bash", "-s", "--", inside, *image.root, stdin=script)
    run(["docker", "build", "--quiet", "--tag", image.local, str(context)], env=environment)
    shutil.rmtree(context)


def _docker_environment(rehearsal: Rehearsal, passwords: facts.Passwords) -> dict[str, str]:
    """Return the environment of a Docker client outside, logged in to the registry."""
    tools = copy_tools(build_roots(rehearsal.cache), rehearsal.cache)
    config: Path = rehearsal.state / "seeding"
    config.mkdir(exist_ok=True)
    login = base64.b64encode(f"{facts.REGISTRY_USER}:{passwords.access_token}".encode()).decode()
    document = {"auths": {facts.REGISTRY_NAME: {"auth": login}}}
    (config / "config.json").touch(mode=0o600)
    (config / "config.json").write_text(json.dumps(document), encoding="utf-8")
    if not (config / "cli-plugins").exists():
        (config / "cli-plugins").symlink_to(tools / "config" / "cli-plugins")
    engine = builder(rehearsal).first_process()
    return {
        "PATH": f"{tools / 'bin'}:/usr/bin:/bin",
        "HOME": str(config),
        "DOCKER_CONFIG": str(config),
        "DOCKER_HOST": f"unix:///proc/{engine}/root/run/docker.sock",
    }
