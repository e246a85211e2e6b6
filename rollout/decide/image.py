"""Decides how an image is called and what stands on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.commands.git import shown_repository
from rollout.errors import ConfigInvalid
from rollout.model.command import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout.config import Build
    from rollout.model.release import Version
    from rollout.model.source import Source
    from rollout.model.target import RegistryLogin

# What the builder fills in by itself. Source: Dockerfile reference, "ARG", read 2026-11-25.
_PREDEFINED = (
    *("TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"),
    *("BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
)
KEPT_IMAGE_S = 7 * 24 * 3600.0
"""How long an image stays on the worker after it was built, in seconds."""
_ARG = re.compile(r"^[ \t]*ARG[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """What a build is to make.

    Attributes:
        reference: The name to push under, `repository:tag`.
        args: Build arguments; those that are `Secret`s are masked in logs.
        labels: The image's labels.
        secrets: What steps of the build may ask for, by name; it lies in no layer.
    """

    reference: str
    args: dict[str, str | Secret]
    labels: dict[str, str]
    secrets: dict[str, Secret] = field(default_factory=dict[str, Secret])

    @property
    def repository(self) -> str:
        """Return the reference without its tag."""
        return self.reference.rpartition(":")[0]


def image_tag(version: Version) -> str:
    """Return the tag of a version's image: the whole commit, so that it never moves."""
    return version.sha


def image_reference(login: RegistryLogin, build: Build, version: Version) -> str:
    """Return the name that the image is pushed under: `host/project/repository/web:<commit>`."""
    return f"{login.repository(build.image)}:{image_tag(version)}"


def image_labels(source: Source, repository: str, created: str) -> dict[str, str]:
    """Return the labels that say where an image comes from.

    Args:
        source: The commit that it is built from.
        repository: The application's repository; credentials in it are masked.
        created: When it is built, ISO 8601 in UTC.

    Source: OCI image specification, annotations, read 2026-11-22.
    """
    return {
        "org.opencontainers.image.revision": source.version.sha,
        "org.opencontainers.image.source": shown_repository(repository),
        "org.opencontainers.image.created": created,
    }


def build_arguments(
    build: Build, version: Version, values: Mapping[str, Secret]
) -> dict[str, str | Secret]:
    """Return the build's arguments; those out of Secret Manager stay masked in logs.

    Args:
        build: Names them.
        version: Stands for `{version}`.
        values: Secret Manager name to value, of all that `build.secret_args` names.

    Raises:
        ConfigInvalid: When a value is missing.
    """
    plain = {name: text.replace("{version}", version.sha) for name, text in build.args.items()}
    return {**plain, **_valued("secret_args", build.secret_args, values)}


def build_secrets(build: Build, values: Mapping[str, Secret]) -> dict[str, Secret]:
    """Return what steps of the build may ask for.

    Args:
        build: Names them.
        values: Secret Manager name to value, of all that `build.secrets` names.

    Raises:
        ConfigInvalid: When a value is missing.
    """
    return _valued("secrets", build.secrets, values)


def _valued(key: str, names: Mapping[str, str], values: Mapping[str, Secret]) -> dict[str, Secret]:
    missing = [name for name in names.values() if name not in values]
    if missing:
        raise ConfigInvalid(f"build.{key}", f"{missing[0]} was not read")
    return {variable: values[name] for variable, name in names.items()}


def outdated_images(made: Mapping[str, float], now_s: float) -> tuple[str, ...]:
    """Return the images that a build left so long ago that they only fill the worker's disk.

    The registry has them. Layers that the next build wants lie in the builder's own cache.

    Args:
        made: Image to when it was made, in seconds since 1970.
        now_s: Now, in the same seconds.
    """
    return tuple(image for image, at_s in made.items() if now_s - at_s > KEPT_IMAGE_S)


def missing_arguments(dockerfile: str, given: Iterable[str]) -> tuple[str, ...]:
    r"""Return the build arguments that a Dockerfile names without a default and nobody gives.

    Args:
        dockerfile: Its text.
        given: The names that the build is given.

    Example:
        >>> missing_arguments("ARG NODE=20\nFROM node:${NODE}\nARG TOKEN VERSION", ["VERSION"])
        ('TOKEN',)
    """
    names = (name for line in _ARG.findall(dockerfile) for name in line.split())
    known = {*given, *_PREDEFINED}
    return tuple(dict.fromkeys(name for name in names if "=" not in name and name not in known))
