"""Decides how the proxy comes to send requests to a release: its Caddyfile, then the switch.

A proxy that runs and sees our folder is switched by a `mv`. Any other one, whether there is none
yet, or it is the wiki's, or it stopped, is started once, which is its switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.commands import compose, host
from rollout.model import layout as names
from rollout.model.plan import Step

if TYPE_CHECKING:
    from rollout.decide.scene import Scene


def prepare_proxy(scene: Scene) -> tuple[Step, ...]:
    """Return the steps that give the proxy this release's Caddyfile, tried before it is taken.

    A running proxy is asked to take the staged file, and only then is the file put in its place: a
    run that is killed in between does all of it again.
    """
    if scene.checksums[names.CADDYFILE] == scene.facts.files.get("proxy/Caddyfile"):
        return _proxy_definition(scene)
    advice = "Repair the Caddyfile as the message above says, then deploy again."
    install = Step(
        "put the Caddyfile in its place",
        host.install_caddyfile_command(scene.layout),
        undo=host.restore_caddyfile_command(scene.layout),
    )
    stage = Step("stage the Caddyfile", host.stage_caddyfile_command(scene.layout, scene.number))
    return (stage, _try_caddyfile(scene, advice), install, *_proxy_definition(scene))


def _try_caddyfile(scene: Scene, advice: str) -> Step:
    if scene.proxy is not None and scene.proxy_is_ours:
        name = scene.proxy.name
        return Step(
            "let the proxy take the Caddyfile",
            compose.reload_caddy_command(name, f"{names.CADDYFILE}.next"),
            undo=compose.reload_caddy_command(name, names.CADDYFILE),
            next_step=advice,
        )
    command = compose.validate_caddyfile_command(
        scene.layout, scene.project, scene.number, scene.application.proxy
    )
    return Step("check the Caddyfile", command, next_step=advice)


def _proxy_definition(scene: Scene) -> tuple[Step, ...]:
    """Return the step that recreates a running proxy, should this release define it anew."""
    if not scene.proxy_is_ours or scene.around_is_there:
        return ()
    proxy, project = scene.application.proxy, scene.project
    undo = None
    if scene.former is not None and scene.former != scene.number:
        undo = compose.up_command(scene.layout, project, scene.former, proxy)
    command = compose.up_command(scene.layout, project, scene.number, proxy)
    return (Step("start the proxy where it changed", command, undo=undo),)


def switch_proxy(scene: Scene) -> tuple[Step, ...]:
    """Return the steps after which new requests reach the release; the last cannot be undone."""
    command = host.switch_command(scene.layout, scene.service)
    if scene.proxy_is_ours:
        if scene.facts.live == scene.service:
            return ()
        return (Step(f"switch to {scene.service}", command, point_of_no_return=True),)
    back = host.forget_live_command(scene.layout)
    if scene.facts.live:
        back = host.switch_command(scene.layout, scene.facts.live)
    return (
        Step(f"name {scene.service} as the live one", command, undo=back),
        _start_proxy(scene),
    )


def _start_proxy(scene: Scene) -> Step:
    """Return the step that starts the proxy with our folder: first deploy, adoption, or repair."""
    proxy, project = scene.application.proxy, scene.project
    if scene.proxy is None:
        undo = compose.remove_service_command(scene.layout, project, scene.number, proxy)
    else:
        undo = compose.up_published_command(scene.layout, project, proxy)
    return Step(
        "start the proxy",
        compose.up_command(scene.layout, project, scene.number, proxy),
        evidence=(compose.container_evidence_command(project, proxy),),
        undo=undo,
        point_of_no_return=True,
        next_step="See whether something else listens on its ports, then start the run again.",
    )
