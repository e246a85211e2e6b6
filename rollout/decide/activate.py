"""Decides what makes a release serve on a host.

The order is the guarantee: everything that can fail stands before the switch, beside the release
that serves; the switch is one `mv`; what comes after it only tidies up. Each step is there only
when the facts ask for it, so a plan for what a killed run left behind is the rest of that run's,
and a plan for a host where the release serves is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands import compose, host
from rollout.commands.kept import wait_answers_command
from rollout.decide.history import begin, note_activation
from rollout.decide.proxy import prepare_proxy, switch_proxy
from rollout.decide.retire import prune, retire_former
from rollout.decide.scene import Scene, read_scene
from rollout.model import layout as names
from rollout.model.layout import release_number, release_service
from rollout.model.plan import Plan, RemoteFile, Step
from rollout.render.compose import images_of, jobs_of, services_of

if TYPE_CHECKING:
    from rollout.config import Application, Verify
    from rollout.model.command import Command
    from rollout.model.host import HostFacts
    from rollout.model.release import Release
    from rollout.model.target import RegistryLogin


_SICK = (
    "Read the container's health and last lines above, repair the code, and deploy the next commit."
)


def decide_activation(
    facts: HostFacts,
    release: Release,
    files: tuple[RemoteFile, ...],
    application: Application,
    login: RegistryLogin | None = None,
    verify: Verify | None = None,
) -> Plan:
    """Return what makes a release serve, from whatever the facts say was done already.

    Point of no return: the switch of the proxy, or its first start with our folder.

    Args:
        facts: What was read of the host.
        release: What shall serve.
        files: The release's folder; empty means that the host has it, as an earlier release's.
        application: How the application stands in its compose file.
        login: The registry's; None pulls without one, should the image be missing.
        verify: How the new container is asked who it is before it gets a request; None trusts its
            image alone.

    Raises:
        Refused: When `files` is empty and the host does not have the release's folder.
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    scene = read_scene(facts, release, files, application, verify)
    steps = (
        *_upload(scene, files),
        *begin(scene),
        *_pull(scene, login),
        *_start(scene),
        *prepare_proxy(scene),
        *switch_proxy(scene),
        *_publish(scene),
        *_remember(scene),
        *note_activation(scene),
        *_let_engine_see(scene),
        *retire_former(scene),
        *prune(scene),
    )
    return Plan(steps, before=_standing(scene), after=f"Release {release.number} serves.")


def _standing(scene: Scene) -> str:
    """Return what is true while the switch has not been made."""
    if scene.former is not None:
        return f"Release {scene.former} is still serving."
    if scene.retiring:
        return "What served before is still serving."
    return "Nothing served before, and nothing does now."


def _upload(scene: Scene, files: tuple[RemoteFile, ...]) -> tuple[Step, ...]:
    if scene.is_uploaded:
        return ()
    return (
        Step(
            f"upload release {scene.number}",
            host.upload_release_command(scene.layout, scene.number, files),
            evidence=(host.free_space_command(scene.layout.directory),),
            next_step="Look at the free space above, then start the run again.",
        ),
    )


def _pull(scene: Scene, login: RegistryLogin | None) -> tuple[Step, ...]:
    reference = scene.release.image.reference
    if reference in scene.facts.images:
        return ()
    return (
        Step(
            f"pull {reference}",
            compose.pull_command(reference, login),
            evidence=(host.free_space_command(scene.layout.directory),),
            next_step="Check the registry's login and the free space above, then start again.",
        ),
    )


def _start(scene: Scene) -> tuple[Step, ...]:
    """Return the steps after which the release runs beside the one that serves, and is well."""
    others = () if _others_run(scene) else _start_others(scene)
    if scene.is_up:
        return (*others, *_ask_version(scene))
    start, undo = _start_own(scene)
    begin = Step(
        f"start {scene.service}",
        start,
        evidence=(_look(scene),),
        undo=undo,
        next_step="Read why the engine did not start it, then deploy again.",
    )
    return (*others, begin, *(_hear_kept(scene) or _see_new(scene)))


def _start_own(scene: Scene) -> tuple[Command, Command]:
    """Return the commands that start the release's container and take that back.

    One that was kept is started as it is: its definition is the release's, which never changes.
    """
    project, service, kept = scene.project, scene.service, scene.kept
    if kept is not None:
        return compose.start_kept_command(kept.name), compose.stop_command(kept.name)
    return (
        compose.up_command(scene.layout, project, scene.number, service),
        compose.remove_service_command(scene.layout, project, scene.number, service),
    )


def _see_new(scene: Scene) -> tuple[Step, ...]:
    """Return the steps after which the engine has found a started container healthy."""
    project, service, look = scene.project, scene.service, _look(scene)
    return (
        Step(
            f"wait until {service} is healthy",
            compose.wait_healthy_command(project, service, scene.application.ready_timeout_s),
            evidence=(look,),
            next_step=_SICK,
        ),
        Step(
            f"check that {service} runs the release's image",
            compose.image_is_command(project, service, scene.release.image.reference),
            evidence=(look,),
            next_step="Somebody else may be at work on the host; look, then start the run again.",
        ),
        *_ask_version(scene),
    )


def _hear_kept(scene: Scene) -> tuple[Step, ...]:
    """Return the step after which a kept container has said itself that it is healthy.

    Only one whose image is known to be the release's; of any other the engine is asked, and it is
    asked for its image.
    """
    kept, verify = scene.kept, scene.verify
    if kept is None or verify is None:
        return ()
    if not kept.image_id or scene.facts.images.get(kept.reference) != kept.image_id:
        return ()
    command = wait_answers_command(
        kept.name,
        port=scene.application.port,
        path=verify.path,
        key=verify.version_key,
        version=scene.release.version.sha,
        healthy=verify.healthy,
        timeout_s=scene.application.ready_timeout_s,
    )
    what = f"wait until {scene.service} answers, healthy and at its version"
    return (Step(what, command, evidence=(_look(scene),), next_step=_SICK),)


def _let_engine_see(scene: Scene) -> tuple[Step, ...]:
    """Return the step after which the engine has said of a kept container what verify asks it.

    It is no condition of the switch: whatever the engine finds, verify judges, and goes back.
    """
    if scene.is_up or not _hear_kept(scene):
        return ()
    command = compose.wait_healthy_command(
        scene.project, scene.service, scene.application.ready_timeout_s
    )
    what = f"wait until the engine finds {scene.service} healthy"
    return (Step(what, command, best_effort=True),)


def _look(scene: Scene) -> Command:
    """Return what is read of the new container when it does not become what it should."""
    path = scene.verify.path if scene.verify else ""
    port = scene.application.port
    return compose.container_evidence_command(scene.project, scene.service, port, path)


def _ask_version(scene: Scene) -> tuple[Step, ...]:
    if scene.verify is None or scene.facts.live == scene.service:
        return ()
    command = compose.says_version_command(
        scene.project,
        scene.service,
        scene.application.port,
        scene.verify.path,
        scene.verify.version_key,
        scene.release.version.sha,
    )
    return (
        Step(
            f"ask {scene.service} for its version",
            command,
            evidence=(_look(scene),),
            next_step="Build the image with the commit as its version, then deploy again.",
        ),
    )


def _others_run(scene: Scene) -> bool:
    """Return whether this release's other services are known to run as it defines them."""
    if not scene.around_is_there:
        return False
    web, jobs = scene.application.service, jobs_of(scene.facts.compose)
    # Somebody may have started one from another image by hand.
    images = images_of(scene.facts.compose)
    others = [
        name
        for name in services_of(scene.facts.compose)
        if name != scene.application.proxy and release_number(web, name) is None
    ]
    return all(
        (one := scene.facts.container(name))
        and (one.has_done if name in jobs else one.serves)
        and one.reference == images.get(name, one.reference)
        for name in others
    )


def _start_others(scene: Scene) -> tuple[Step, ...]:
    undo = None
    if scene.former is not None and scene.former != scene.number:
        undo = _up_others(scene, scene.former)
    forget = Step(
        "forget what runs around it until that is known again",
        host.forget_around_command(scene.layout),
    )
    start = Step(
        "start the other services where they changed",
        _up_others(scene, scene.number),
        undo=undo,
        next_step="Read which service did not start, repair the compose file, and deploy again.",
    )
    return (forget, start) if scene.facts.around and not scene.around_is_there else (start,)


def _up_others(scene: Scene, number: int) -> Command:
    proxy, own = scene.application.proxy, release_service(scene.application.service, number)
    return compose.up_others_command(scene.layout, scene.project, number, proxy, own)


def _publish(scene: Scene) -> tuple[Step, ...]:
    known = (names.COMPOSE, names.CADDYFILE, names.ENV)
    there = all(scene.facts.files.get(name) == scene.checksums.get(name) for name in known)
    if there and scene.facts.current == scene.number:
        return ()
    command = host.publish_command(scene.layout, scene.number)
    return (Step(f"make release {scene.number} the current one", command),)


def _remember(scene: Scene) -> tuple[Step, ...]:
    """Return the step after which the next activation knows what runs around the web service."""
    if scene.around_is_there or not scene.around:
        return ()
    command = host.remember_around_command(scene.layout, scene.around)
    return (Step("remember what runs around it", command),)
