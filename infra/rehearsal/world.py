"""The whole rehearsed world: stood up in the right order, told to everybody, taken down again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.rehearsal import (
    certificates,
    cloud_machine,
    facts,
    footprint,
    images,
    machines,
    network,
    old_postgres,
    operations,
    pipeline,
    roots,
)
from infra.rehearsal.shell import RehearsalError, timed, wait_until

if TYPE_CHECKING:
    from infra.rehearsal.paths import Rehearsal


def stand_up(rehearsal: Rehearsal, *, compose: bool = False) -> dict[str, Any]:
    """Stand the world up as far as it is not standing, and return its facts.

    `.venv` must be there. What runs is left alone, so this takes up where an earlier call stopped.

    Args:
        rehearsal: which world.
        compose: whether Prefect is to run as infra/prefect/compose.yml has it, on a machine of its
            own; a world that was stood up so stays so.

    Raises:
        RehearsalError: it stands with Prefect as programs, or something does not start.
    """
    rehearsal.state.mkdir(parents=True, exist_ok=True)
    if compose:
        _choose_compose(rehearsal)
    footprint.record_once(rehearsal)
    roots.install_outer_packages()
    built = roots.build_roots(rehearsal.cache)
    roots.copy_tools(built, rehearsal.cache)
    certificates.ensure_authority(rehearsal.cache / "ca")
    certificates.ensure_service_account(rehearsal)
    passwords = cloud_machine.ensure_passwords(rehearsal)
    cloud_machine.ensure_stores(rehearsal, passwords)
    with timed("network and machines: cloud, builder, vm, pipeline"):
        _boot_machines(rehearsal)
    with ThreadPoolExecutor() as pool:
        prefect = pool.submit(start_prefect, rehearsal)
        old = pool.submit(old_postgres.build_old_postgres, rehearsal.cache)
        images.ensure_images(rehearsal, passwords)
        prefect.result()
        old.result()
    if pipeline.in_compose(rehearsal):
        start_operations(rehearsal)
    world = describe(rehearsal, passwords)
    rehearsal.world.write_text(json.dumps(world, indent=2), encoding="utf-8")
    return world


def _boot_machines(rehearsal: Rehearsal) -> None:
    network.ensure_switch(rehearsal)
    images.restore(rehearsal)
    cloud = cloud_machine.prepare_cloud(rehearsal)
    vm = machines.fresh_vm(rehearsal, "vm", facts.VM)
    builder = machines.builder(rehearsal)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda machine: machine.up(), (cloud, vm, builder)))
    pipeline.stand_ins(rehearsal).up()
    pipeline.start_stand_ins(rehearsal)
    pipeline.prepare_pipeline(rehearsal).up()
    services = cloud.run("cloud-service", "list").split()
    for service in services:
        wait_until(lambda s=service: cloud.succeeds("cloud-service", "ready", s), f"{service}")
    for machine in (vm, builder):
        wait_until(
            lambda m=machine: m.succeeds("docker", "version"), f"the engine of {machine.name}"
        )


def start_prefect(rehearsal: Rehearsal) -> None:
    """Start Prefect's server and the way to its UI, unless they run or are another machine's."""
    if pipeline.in_compose(rehearsal):
        return
    with timed("Prefect's server answers"):
        pipeline.start_server(rehearsal, cloud_machine.ensure_passwords(rehearsal))
        start_forwarder(rehearsal)


def start_operations(rehearsal: Rehearsal) -> None:
    """Stand the operations machine up, let the pipeline log in, and lead to its UI."""
    machine = operations.stand_up(rehearsal)
    operations.write_profile(machine, rehearsal.state / "prefect")
    start_forwarder(rehearsal)


def _choose_compose(rehearsal: Rehearsal) -> None:
    """Note that Prefect runs on the operations machine."""
    if rehearsal.world.exists() and not pipeline.in_compose(rehearsal):
        raise RehearsalError(
            f"rehearsal {rehearsal.name} stands with Prefect's server and worker as programs",
            "Nothing was changed.",
            f"Give another --name, or run bin/rehearse --name {rehearsal.name} --down first.",
        )
    (rehearsal.state / pipeline.COMPOSE_NOTE).touch()


def describe(rehearsal: Rehearsal, passwords: facts.Passwords) -> dict[str, Any]:
    """Return what `world.json` says."""
    tools = roots.copy_tools(roots.build_roots(rehearsal.cache), rehearsal.cache)
    superuser = f"postgres:{passwords.superuser}@{facts.DATABASE}:5432"
    return {
        "name": rehearsal.name,
        "ca_pem": str(rehearsal.bundle),
        "deploy_key": str(rehearsal.state / "ssh" / "deploy"),
        "host_address": facts.VM,
        "host_key": machines.host_key(machines.fresh_vm(rehearsal, "vm", facts.VM)),
        "host_user": machines.HOST_USER,
        "docker_host": f"unix://{pipeline.BUILDER_SOCKET}",
        "docker_cli_dir": str(tools / "bin"),
        "docker_config": str(rehearsal.state / "docker-config"),
        "service_account_key": str(rehearsal.state / "google" / "service-account.json"),
        "app_repository": str(rehearsal.state / "git" / facts.REPOSITORY_NAME),
        "prefect_api": pipeline.api(rehearsal),
        "prefect_ui": f"http://127.0.0.1:{pipeline.ui_port(rehearsal)}",
        "prefect_home": str(rehearsal.state / "prefect"),
        "public_url": facts.PUBLIC_URL,
        "database_admin_url": f"postgresql://{superuser}/{facts.DATABASE_NAME}",
        "database_url": f"postgresql://{facts.DATABASE_ROLE}:{passwords.application}"
        f"@{facts.DATABASE}:5432/{facts.DATABASE_NAME}",
        "scratch_url": facts.scratch_url(passwords),
        "redis_url": f"redis://:{passwords.redis}@{facts.REDIS_NAME}:6379",
        "google_store": str(rehearsal.state / "google" / "secrets.json"),
        "sql_store": str(rehearsal.state / "google" / "sqladmin.json"),
        "alert_store": str(rehearsal.state / "google" / "monitoring.json"),
        "compute_store": str(rehearsal.state / "google" / "compute.json"),
        "github_store": str(rehearsal.state / "github" / "github.json"),
        "secrets_project": facts.SECRETS_PROJECT,
        "shared_project": facts.SHARED_PROJECT,
        "old_postgres": str(old_postgres.build_old_postgres(rehearsal.cache) or ""),
        "names": str(rehearsal.state / "names"),
        "footprint": str(rehearsal.state / "footprint.json"),
    }


def start_forwarder(rehearsal: Rehearsal) -> None:
    """Make the UI reachable on the machine's loopback, unless it is."""
    if forwarder(rehearsal) is not None:
        return
    place = operations.MACHINE if pipeline.in_compose(rehearsal) else "pipeline"
    words = [
        pipeline.ui_address()[0],
        pipeline.ui_port(rehearsal),
        network.keeper(rehearsal, place),
        pipeline.SERVER_PORT,
    ]
    with (rehearsal.state / "forwarder.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.rehearsal.forwarder", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=rehearsal.checkout,
        )
    (rehearsal.state / "forwarder.pid").write_text(str(process.pid), encoding="utf-8")


def forwarder(rehearsal: Rehearsal) -> int | None:
    """Return the process that leads to the UI, or None when there is none."""
    with suppress(OSError, ValueError):
        pid = int((rehearsal.state / "forwarder.pid").read_text(encoding="utf-8"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if str(pipeline.ui_port(rehearsal)).encode() in words:
            return pid
    return None


def take_down(rehearsal: Rehearsal, *, keep_cache: bool = False) -> None:
    """End every process, network and mount of this world, and remove its files.

    Args:
        rehearsal: the world.
        keep_cache: keep the roots, images and the authority for the next time.
    """
    leads = forwarder(rehearsal)
    if leads is not None:
        os.kill(leads, signal.SIGTERM)
    for place in (pipeline.pipeline(rehearsal), pipeline.stand_ins(rehearsal)):
        place.remove()
    folders = sorted((rehearsal.state / "machines").glob("*"))
    for folder in folders:
        if (folder / "lower").exists():
            standing(rehearsal, folder.name).remove()
    for folder in folders:
        network.detach(rehearsal, folder.name)
    shutil.rmtree(rehearsal.state, ignore_errors=True)
    if not keep_cache and not _others(rehearsal):
        shutil.rmtree(rehearsal.cache, ignore_errors=True)
        with suppress(OSError):
            rehearsal.cache.parent.rmdir()


def standing(rehearsal: Rehearsal, name: str) -> machines.Machine:
    """Return a machine that exists, for switching it off and on or running something in it."""
    lower = (rehearsal.machine(name) / "lower").read_text(encoding="utf-8")
    return machines.Machine(rehearsal, name, (), lower, "vm-init")


def _others(rehearsal: Rehearsal) -> list[Path]:
    folders = rehearsal.cache.parent.iterdir() if rehearsal.cache.parent.exists() else ()
    return [folder for folder in folders if folder not in (rehearsal.state, rehearsal.cache)]
