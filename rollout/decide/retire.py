"""Decides what goes once a release serves: the former one's requests, container, and old traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands import compose, host
from rollout.decide.releases import releases_on
from rollout.model.layout import release_number
from rollout.model.plan import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.decide.scene import Scene
    from rollout.model.command import Result
    from rollout.model.host import Container


def retire_former(scene: Scene) -> tuple[Step, ...]:
    """Return the steps that let the former containers finish, then stop and keep them."""
    port, bound_s = scene.application.port, scene.application.drain_timeout_s
    steps: list[Step] = []
    for one in scene.retiring:
        drain = compose.drain_command(one.name, port, bound_s)
        steps.append(Step(f"drain {one.service}", drain, best_effort=True))
        steps.append(Step(f"stop {one.service}", compose.stop_command(one.name), best_effort=True))
    return tuple(steps)


def undrained(results: Iterable[Result]) -> tuple[str, ...]:
    """Return what was stopped before nobody was connected to it any more, each as a fragment.

    Args:
        results: What the steps of an activation answered.
    """
    return tuple(
        one.meaning
        for one in results
        if one.exit_code == compose.NOT_DRAINED and compose.NOT_DRAINED in one.command.meanings
    )


def prune(scene: Scene) -> tuple[Step, ...]:
    """Return the steps that remove what no rollback may want; a failure of these is a warning."""
    keep = _kept(scene)
    unwanted = _unwanted_containers(scene, keep)
    containers = [one.name for one in unwanted]
    folders = sorted(number for number in scene.facts.releases if number not in keep)
    images = _unwanted_images(scene, keep, unwanted)
    layout = scene.layout
    steps = (
        (containers, "containers", compose.remove_containers_command(containers)),
        (images, "images", compose.remove_images_command(images)),
        (folders, "folders", host.forget_releases_command(layout, folders)),
    )
    return tuple(
        Step(f"remove the {what} of old releases", command, best_effort=True)
        for there, what, command in steps
        if there
    )


def _kept(scene: Scene) -> set[int]:
    """Return the releases that stay: this one, what a way back may want, and the last to serve.

    The former one is what a failed verify goes back to. Failed releases do not push out good ones:
    as many good ones stay as ones that served. What never served goes. The former one is among the
    last to serve, so deciding again after the activation keeps the same ones.
    """
    retained = scene.application.retain_releases
    good = [number for number in reversed(scene.ledger.good) if number != scene.number]
    served = [one.release for one in reversed(scene.ledger.entries) if one.event == "activated"]
    earlier = [number for number in dict.fromkeys(served) if number != scene.number]
    former = {scene.former} if scene.former is not None else set[int]()
    return {scene.number, *former, *earlier[:retained], *good[:retained]}


def _unwanted_containers(scene: Scene, keep: set[int]) -> tuple[Container, ...]:
    """Return the stopped containers that no kept release has, and those that are stopped by then.

    A run that was killed before its switch leaves a running one, which never served.
    """
    service = scene.application.service
    return tuple(
        one
        for one in scene.facts.containers
        if (not one.is_up and one.service == service)
        or (
            (not one.is_up or one in scene.retiring)
            and release_number(service, one.service) not in {None, *keep}
        )
    )


def _unwanted_images(scene: Scene, keep: set[int], unwanted: tuple[Container, ...]) -> list[str]:
    repository = scene.release.image.repository
    wanted = {one.image.reference for one in releases_on(scene.facts) if one.number in keep}
    wanted |= {scene.release.image.reference}
    running = [one for one in scene.facts.containers if one.is_up]
    wanted |= {one.reference for one in running if one not in unwanted}
    # Of a host that is taken over: started by a tag, and what its way back starts again.
    former = {one.image_id for one in running if one not in unwanted and one.image_id}
    return sorted(
        reference
        for reference, identity in scene.facts.images.items()
        if reference.startswith(f"{repository}@sha256:")
        and reference not in wanted
        and identity not in former
    )
