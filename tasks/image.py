"""build-push: from a commit to an image in the registry, known by its digest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from blocks import load_artifact_registry, load_gcp_project
from rollout.decide.image import (
    ImageOrder,
    build_arguments,
    build_secrets,
    image_labels,
    image_reference,
    image_tag,
)
from rollout.errors import RegistryError
from rollout.executors.builder import build_and_push, forget_images
from rollout.executors.clock import now_utc
from rollout.executors.files import read_environment
from rollout.executors.registry import Registry
from rollout.model.release import Image, Version
from rollout.model.source import Source
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.source import at

if TYPE_CHECKING:
    from rollout.config import Environment

NOT_BUILT = f"sha256:{'0' * 64}"


@task(
    name="build-push",
    task_run_name="build-push",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def build_push(source: Source, environment: str) -> Image:
    """Return the commit's image; it is built only when the registry does not have it yet.

    Raises:
        RegistryRefused: When the login is refused.
        BuildFailed: With the last lines of the build or the push.
    """
    settings = read_environment(environment)
    build = settings.build
    registry = load_artifact_registry(settings.blocks.artifact_registry)
    login = registry.login()
    digest = Registry(login).digest(build.image, image_tag(source.version))
    if digest:
        get_run_logger().info("the registry has %s already: nothing to build", source.version.short)
        return Image(login.repository(build.image), digest)
    store = load_gcp_project(settings.blocks.gcp_project).secret_store()
    named = {*build.secret_args.values(), *build.secrets.values()}
    values = {name: one.value for name, one in store.read(named).items()}
    order = ImageOrder(
        image_reference(login, build, source.version),
        build_arguments(build, source.version, values),
        image_labels(source, settings.repository, now_utc()),
        build_secrets(build, values),
    )
    path = Path(at(source.version.sha, environment, purpose="build").path)
    log = get_run_logger().info
    image = build_and_push(build, path, order, registry.login, log=log)
    forget_images(image.repository, settings.application.project, log=log)
    return image


def image_of(version: Version, settings: Environment) -> Image:
    """Return the image that a commit has in the registry, or one with a digest of zeros."""
    login = load_artifact_registry(settings.blocks.artifact_registry).login()
    digest = Registry(login).digest(settings.build.image, image_tag(version))
    return Image(login.repository(settings.build.image), digest or NOT_BUILT)


@task(name="move latest", task_run_name="move latest", cache_policy=NO_CACHE)
def move_latest(image: Image, environment: str) -> None:
    """Let the tag `latest`, or what `[build] label` says, name a verified image: for people only.

    A registry that fails now is a warning: the release serves, and nobody deploys by this tag.
    """
    settings = read_environment(environment)
    login = load_artifact_registry(settings.blocks.artifact_registry).login()
    try:
        Registry(login).tag(settings.build.image, image.digest, settings.build.label)
    except RegistryError as error:
        get_run_logger().warning("the tag %s was not moved: %s", settings.build.label, error.true)
