"""Values that many tests start from."""

from __future__ import annotations

from pathlib import Path

from rollout.config import Application
from rollout.model.command import Secret
from rollout.model.layout import Layout
from rollout.model.release import Image, Release, Version
from rollout.model.target import RegistryLogin

REPOSITORY = "us-central1-docker.pkg.dev/trovella-shared/trovella/web"
APPLICATION = Application(
    project="trovella", compose="infra/docker-compose.prod.yml", caddyfile="infra/Caddyfile"
)
LAYOUT = Layout("/opt/trovella")
LOGIN = RegistryLogin(
    "us-central1-docker.pkg.dev", "trovella-shared/trovella", "oauth2accesstoken", Secret("token")
)
WIKI = Path(__file__).parents[1] / "unit/render/files"
SMALL_ENVIRONMENT = """
name = "small"
repository = "https://git.example/app.git"

[blocks]
target_host = "h"
gcp_project = "g"
artifact_registry = "r"
app_database = "d"

[build]
dockerfile = "Dockerfile"

[migrations]
folder = "migrations"

[application]
project = "app"
compose = "compose.yml"
caddyfile = "Caddyfile"

[verify]
url = "https://app.example/health"
"""
"""The least that an environment's file says, without its list of secrets."""
COMPOSE = (WIKI / "docker-compose.prod.yml").read_text()
CADDYFILE = (WIKI / "Caddyfile").read_text()


def image(letter: str) -> Image:
    """Return an image whose digest is one hexadecimal digit, 64 times."""
    return Image(REPOSITORY, f"sha256:{letter * 64}")


def release(number: int, letter: str = "", **more: object) -> Release:
    """Return a release whose commit and digest are one hexadecimal digit, again and again."""
    digit = letter or f"{number % 16:x}"
    return Release(number, Version(digit * 40), image(digit), "2026-11-22T10:00:00Z", **more)  # pyright: ignore[reportArgumentType]
