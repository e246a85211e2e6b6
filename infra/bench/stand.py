"""What the bench needs before it measures: images, and a VM of its own for each way but ours."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks import load_artifact_registry, load_gcp_project
from infra.rehearsal import app
from infra.rehearsal.machines import HOST_USER, fresh_vm, host_key
from infra.rehearsal.paths import CHECKOUT, Rehearsal
from infra.rehearsal.shell import run, wait_until
from rollout.decide.bootstrap import decide_bootstrap
from rollout.decide.image import ImageOrder
from rollout.executors.builder import build_and_push
from rollout.executors.carry_out import carry_out
from rollout.executors.files import read_environment
from rollout.executors.host import Host
from rollout.executors.registry import Registry
from rollout.model.command import Secret
from rollout.model.finding import Refuse
from rollout.model.target import HostAddress
from rollout.render.env import render_env
from tasks.target import read_machine

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import Environment
    from rollout.model.target import RegistryLogin

ENVIRONMENT = "rehearsal"
TEMPLATE = Path(app.__file__).parent / "template"
APEX = "trovella.ai"


@cache
def world() -> dict[str, Any]:
    """Return what `world.json` says."""
    return json.loads(Path(os.environ["REHEARSAL_WORLD"]).read_text(encoding="utf-8"))


@cache
def settings() -> Environment:
    """Return the environment that is deployed to."""
    return read_environment(ENVIRONMENT)


def login() -> RegistryLogin:
    """Return the registry's login."""
    return load_artifact_registry(settings().blocks.artifact_registry).login()


def next_version(fault: app.Fault | None = None) -> str:
    """Make the application's next commit, build and push its image as `latest`; return it.

    Args:
        fault: What is wrong with it; a faulty one does not become `latest`.
    """
    repository = Path(world()["app_repository"])
    version = app.commit(repository, fault)
    build = settings().build.model_copy(update={"secret_args": {}})
    reference = login().repository(build.image)
    order = ImageOrder(f"{reference}:{version}", {"APP_VERSION": version}, {})
    with tempfile.TemporaryDirectory() as folder:
        run(["git", "-c", "safe.directory=*", "clone", "--quiet", str(repository), folder])
        image = build_and_push(build, Path(folder), order, login, log=lambda _: None)
    if fault is None:
        Registry(login()).tag(build.image, image.digest, "latest")
    return version


@dataclass(frozen=True, slots=True)
class Server:
    """A VM that serves the wiki's own files, reached with plain OpenSSH.

    Attributes:
        name: Its host name, and the name that leads to it from outside, below the apex.
        address: Its address.
        folder: What is kept here of it: its own two files, `.env`, its host key.
    """

    name: str
    address: str
    folder: Path
    calls: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    @property
    def site(self) -> str:
        """Return its public name."""
        return f"{self.name}.{APEX}"

    @property
    def url(self) -> str:
        """Return what its prober asks."""
        return f"https://{self.site}/api/health"

    @property
    def files(self) -> tuple[str, ...]:
        """Return what a deploy copies to it."""
        return tuple(str(self.folder / name) for name in ("docker-compose.prod.yml", "Caddyfile"))

    def ssh(self, *words: str, stdin: str = "") -> str:
        """Run a shell line there, one OpenSSH invocation, and return what it wrote."""
        return self._call(("ssh", *self._options(), f"{HOST_USER}@{self.address}", *words), stdin)

    def copy(self, *files: str) -> None:
        """Copy files into the application's directory, one OpenSSH invocation."""
        there = f"{HOST_USER}@{self.address}:{settings().application.directory}/"
        self._call(("scp", "-q", *self._options(), *files, there), "")

    def _options(self) -> tuple[str, ...]:
        said = (
            f"UserKnownHostsFile={self.folder}/known_hosts",
            "BatchMode=yes",
            "IdentitiesOnly=yes",
        )
        return ("-i", world()["deploy_key"], *(word for one in said for word in ("-o", one)))

    def _call(self, words: tuple[str, ...], stdin: str) -> str:
        self.calls.append(words)
        return run(words, stdin=stdin, env=dict(os.environ))


@contextmanager
def server(name: str, address: str) -> Generator[Server]:
    """Yield a VM on which the wiki's files serve the version that is `latest` now."""
    rehearsal = Rehearsal(world()["name"], CHECKOUT)
    fresh_vm(rehearsal, name, address).remove()
    machine = fresh_vm(rehearsal, name, address)
    with tempfile.TemporaryDirectory() as folder:
        one = Server(name, address, Path(folder))
        try:
            machine.up()
            wait_until(lambda: _answers(address), f"sshd of {name}")
            key = host_key(machine)
            (one.folder / "known_hosts").write_text(f"{address} {key}\n", encoding="utf-8")
            _lead_names_to(one)
            _prepare(one, key)
            _serve(one)
            yield one
        finally:
            machine.remove()


def _answers(address: str) -> bool:
    with suppress(OSError), socket.create_connection((address, 22), timeout=1):
        return True
    return False


def _lead_names_to(one: Server) -> None:
    with Path(world()["names"]).open("a", encoding="utf-8") as table:
        table.write(f"{one.address} {one.site} www.{one.site}\n")


def _prepare(one: Server, key: str) -> None:
    """Make the machine ready for containers, as deploy-prod does with a bare one."""
    secret = Secret(Path(world()["deploy_key"]).read_text(encoding="utf-8"))
    application = settings().application
    with Host(HostAddress(one.address, HOST_USER, secret, key)) as host:
        plan = decide_bootstrap(read_machine(host, application), application, HOST_USER)
        if isinstance(plan, Refuse):
            raise TypeError(plan)
        carry_out(plan, host)


def _serve(one: Server) -> None:
    """Start the wiki's files there; only the site's name is the server's own."""
    application = settings().application
    compose = (TEMPLATE / application.compose).read_text(encoding="utf-8")
    caddyfile = (TEMPLATE / application.caddyfile).read_text(encoding="utf-8")
    (one.folder / "docker-compose.prod.yml").write_text(compose, encoding="utf-8")
    (one.folder / "Caddyfile").write_text(caddyfile.replace(APEX, one.site), encoding="utf-8")
    (one.folder / ".env").touch(mode=0o600)
    (one.folder / ".env").write_text(render_env(_variables()).reveal(), encoding="utf-8")
    one.copy(*one.files, str(one.folder / ".env"))
    # On the real VM a credential helper does this before each pull.
    name, host = login().username, login().host
    one.ssh("docker", "login", "--username", name, "--password-stdin", host,
            stdin=login().token.reveal())  # fmt: skip
    one.ssh(compose_line("up --detach --wait --quiet-pull"))


def compose_line(words: str) -> str:
    """Return a shell line about the wiki's compose file."""
    folder = settings().application.directory
    return f"cd {folder} && docker compose --file docker-compose.prod.yml {words}"


def _variables() -> dict[str, Secret]:
    store = load_gcp_project(settings().blocks.gcp_project).secret_store()
    secrets = store.read(settings().secrets.values())
    plain = {name: Secret(text) for name, text in settings().settings.items()}
    return plain | {name: secrets[key].value for name, key in settings().secrets.items()}


def describe_client() -> dict[str, str]:
    """Return what the figures depend on where nothing but this project's own process counts."""
    memory = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": f"{int(memory) / 1024 / 1024:.0f} GiB",
        "kernel": f"{os.uname().sysname} {os.uname().release}",
        "Python": platform.python_version(),
        "Prefect": metadata.version("prefect"),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def describe_machine(one: Server) -> dict[str, str]:
    """Return what the figures depend on."""
    wanted = "docker version --format '{{.Server.Version}}' && docker compose version --short"
    engine, compose = one.ssh(wanted).split()
    known = describe_client()
    load = known.pop("load")
    return {
        **known,
        "Docker engine": f"{engine}, compose {compose}",
        "OpenSSH": _line("ssh", "-V"),
        "load before": load,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return named[0] if named else os.uname().machine


def _line(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).splitlines()[0]
