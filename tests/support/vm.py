"""A bare VM of a test's own, and real releases of the real application to put on it."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import google.auth.transport.requests
from google.oauth2 import service_account

from infra.rehearsal import app
from infra.rehearsal.machines import Machine, fresh_vm, host_key
from infra.rehearsal.paths import Rehearsal
from infra.rehearsal.shell import wait_until
from rollout.commands.host import append_ledger_command, parse_host, read_host_command
from rollout.config import Application, Verify
from rollout.decide.activate import decide_activation
from rollout.decide.bootstrap import decide_bootstrap
from rollout.decide.history import entry
from rollout.decide.releases import next_release_number
from rollout.executors.carry_out import carry_out
from rollout.executors.clock import now_utc
from rollout.ledger import render_entry
from rollout.model.command import Secret
from rollout.model.layout import Layout
from rollout.model.plan import Plan
from rollout.model.release import Image, Release, Version
from rollout.model.target import HostAddress, RegistryLogin
from rollout.render.release import release_files
from tasks.target import read_machine
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.executors.host import Host
    from rollout.ledger import Event
    from rollout.model.host import HostFacts
    from rollout.model.plan import RemoteFile

REGISTRY = "us-central1-docker.pkg.dev"
REPOSITORY = f"{REGISTRY}/trovella-shared/trovella/web"
APPLICATION = Application(
    project="trovella",
    compose="infra/docker-compose.prod.yml",
    caddyfile="infra/Caddyfile",
    ready_timeout_s=60,
    drain_timeout_s=10,
    retain_releases=2,
)
VERIFY = Verify(url="http://localhost/api/health")
LAYOUT = Layout(APPLICATION.directory)
COMPOSE = (Path(app.__file__).parent / "template" / APPLICATION.compose).read_text()
# A VM of a test has no public name, so its site has none either.
CADDYFILE = ":80 {\n\treverse_proxy web:3000\n}\n"


@dataclass(frozen=True, slots=True)
class Vm:
    """A stand-in VM and how to reach it."""

    machine: Machine
    address: HostAddress

    @property
    def url(self) -> str:
        return f"http://{self.address.host}/api/health"


@contextmanager
def bare_vm(name: str, address: str) -> Generator[Vm]:
    """Yield a VM that nothing was done to; it is gone afterwards."""
    machine = fresh_vm(Rehearsal(facts()["name"]), name, address)
    machine.remove()
    machine = fresh_vm(Rehearsal(facts()["name"]), name, address)
    try:
        machine.up()
        wait_until(lambda: _answers(address), f"sshd of {name}")
        # A busy machine starts the engine later than sshd.
        wait_until(lambda: machine.succeeds("docker", "info"), f"the engine of {name}")
        key = Secret(Path(facts()["deploy_key"]).read_text())
        yield Vm(machine, HostAddress(address, "deploy", key, host_key(machine)))
    finally:
        machine.remove()


def _answers(address: str) -> bool:
    with suppress(OSError), socket.create_connection((address, 22), timeout=1):
        return True
    return False


def prepare(host: Host) -> Plan:
    """Bootstrap a host and return what that took."""
    plan = decide_bootstrap(read_machine(host, APPLICATION), APPLICATION, host.address.user)
    assert isinstance(plan, Plan), plan
    carry_out(plan, host)
    if not plan.is_empty:
        host.reconnect()
    return plan


def read(host: Host) -> HostFacts:
    """Return the host's facts."""
    command = read_host_command(APPLICATION.directory, APPLICATION.project)
    return parse_host(host.check(command, "read").stdout)


def new_release(host: Host, image: Image, version: str) -> Release:
    """Return the next release of a host."""
    number = next_release_number(read(host))
    return Release(number, Version(version), image, now_utc(), actor="test")


def said() -> dict[str, str]:
    """Return the variables that the application needs, with the rehearsal's own secrets."""
    world = facts()
    return {
        "DATABASE_URL": world["database_url"].replace("10.77.0.11", "cloud-sql-proxy"),
        "REDIS_URL": world["redis_url"],
        "TYPESENSE_URL": "http://typesense:8108",
        "TYPESENSE_API_KEY": "key",
        "CLOUD_SQL_CONNECTION_NAME": "trovella-prod:us-central1:trovella",
    }


def files_of(
    release: Release, *, compose: str = COMPOSE, caddyfile: str = CADDYFILE, **more: str
) -> tuple[RemoteFile, ...]:
    """Return a release's folder with the rehearsal's own secrets."""
    return release_files(
        release,
        APPLICATION,
        compose=compose,
        caddyfile=caddyfile,
        variables={name: Secret(value) for name, value in {**said(), **more}.items()},
    )


def activate(host: Host, release: Release, files: tuple[RemoteFile, ...] = ()) -> Plan:
    """Activate a release and return what that took."""
    plan = decide_activation(read(host), release, files, APPLICATION, login(), VERIFY)
    carry_out(plan, host)
    return plan


def note(host: Host, release: Release, event: Event) -> None:
    """Write into the ledger what the flow would."""
    host.check(append_ledger_command(LAYOUT, render_entry(entry(release, event))), "note")


@cache
def login() -> RegistryLogin:
    """Return the registry's login, its token fetched as in production."""
    made = service_account.Credentials.from_service_account_file(  # pyright: ignore[reportUnknownMemberType]
        facts()["service_account_key"],
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )
    made.refresh(google.auth.transport.requests.Request())
    token = Secret(str(made.token))
    return RegistryLogin(REGISTRY, "trovella-shared/trovella", "oauth2accesstoken", token)


@cache
def good_image(version: str) -> Image:
    """Return an image of the application that says this version; built and pushed."""
    return _built(version, None)


@cache
def sick_image(version: str) -> Image:
    """Return an image whose health never becomes good."""
    return _built(version, "health")


def _built(version: str, fault: str | None) -> Image:
    with tempfile.TemporaryDirectory() as folder:
        bare, checkout = Path(folder, "bare"), Path(folder, "checkout")
        commit = app.create(bare, "plain")
        if fault:
            commit = app.commit(bare, fault)  # pyright: ignore[reportArgumentType]
        _run("git", "-c", "safe.directory=*", "clone", "--quiet", str(bare), str(checkout))
        _run("git", "-C", str(checkout), "checkout", "--quiet", commit)
        tag = f"{REPOSITORY}:{version}"
        _run("docker", "build", "--quiet", "--build-arg", f"APP_VERSION={version}",
             "--file", f"{checkout}/apps/web/Dockerfile", "--tag", tag, str(checkout))  # fmt: skip
    return _pushed(tag)


def foreign_image() -> Image:
    """Return an image for arm64 whose only program no other machine can run; built and pushed."""
    # The beginning of an ELF file: 64 bits, little-endian, executable, for the machine 183 (arm64).
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(100)
    tag = f"{REPOSITORY}:foreign"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "app")
        program.write_bytes(header)
        program.chmod(0o755)
        Path(folder, "Dockerfile").write_text('FROM scratch\nCOPY app /app\nCMD ["/app"]\n')
        _run("docker", "buildx", "build", "--quiet", "--platform", "linux/arm64", "--load",
             "--provenance=false", "--tag", tag, folder)  # fmt: skip
    return _pushed(tag)


def _pushed(tag: str) -> Image:
    with tempfile.TemporaryDirectory() as config:
        own = Path(config, "cli-plugins")
        own.symlink_to(Path(facts()["docker_config"], "cli-plugins"))
        name = login().username
        _run("docker", "--config", config, "login", "--username", name, "--password-stdin",
             REGISTRY, stdin=login().token.reveal())  # fmt: skip
        _run("docker", "--config", config, "push", "--quiet", tag)
    said = json.loads(_run("docker", "image", "inspect", tag))[0]["RepoDigests"]
    digest = next(one for one in said if one.startswith(f"{REPOSITORY}@")).partition("@")[2]
    return Image(REPOSITORY, digest)


def _run(*words: str, stdin: str = "") -> str:
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout
