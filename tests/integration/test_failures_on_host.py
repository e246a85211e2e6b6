"""Failures on a real host, each produced there, and what the run says of it.

One VM for all of them, in order: each test leaves it as it found it.
"""

from __future__ import annotations

import json
import shlex
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal.shell import wait_until
from rollout.decide.activate import decide_activation
from rollout.errors import CommandFailed, HostError, LedgerCorrupt
from rollout.executors.carry_out import carry_out
from rollout.executors.host import Host
from rollout.ledger import read_ledger
from rollout.model.command import Command, Secret
from rollout.model.diagnosis import Retry
from rollout.model.release import Image
from rollout.model.seen import Evidence
from tests.support import vm as support
from tests.support.diagnoses import around, diagnosed
from tests.support.vm import (
    APPLICATION,
    CADDYFILE,
    LAYOUT,
    REPOSITORY,
    VERIFY,
    Vm,
    activate,
    bare_vm,
    files_of,
    foreign_image,
    good_image,
    login,
    new_release,
    note,
    prepare,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import Application
    from rollout.model.diagnosis import Diagnosis
    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release
    from rollout.model.target import RegistryLogin

pytestmark = pytest.mark.rehearsal

A, B = "a" * 40, "b" * 40
QUICK = APPLICATION.model_copy(update={"ready_timeout_s": 6})
# Holds a port for as long as no test takes.
LISTEN = (
    "socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(shift, INADDR_ANY)) or die; "
    "listen(S, 1); sleep 300"
)
# A busy machine takes longer than the 5 s of the application's own file to ask for its health.
COMPOSE = support.COMPOSE.replace("timeout: 5s", "timeout: 40s")
SERVES_ON = "Users notice nothing: what served before serves on."


@pytest.fixture(scope="module")
def vm() -> Generator[Vm]:
    with bare_vm("failures", "10.77.0.78") as one, Host(one.address) as host:
        prepare(host)
        yield one


@pytest.fixture(scope="module")
def host(vm: Vm) -> Generator[Host]:
    with Host(vm.address) as one:
        yield one


def failure(
    host: Host,
    files: tuple[RemoteFile, ...],
    release: Release,
    registry: RegistryLogin | None = None,
    application: Application = APPLICATION,
) -> Diagnosis:
    """Activate a release that cannot serve, and return what the run says of it."""
    plan = decide_activation(read(host), release, files, application, registry or login(), VERIFY)
    with pytest.raises(CommandFailed) as caught:
        carry_out(plan, host)
    if read(host).ledger:
        note(host, release, "failed")
    return diagnosed(caught.value, host)


def with_compose(host: Host, old: str, new: str) -> Diagnosis:
    """Activate the good image with a compose file that differs in one place."""
    release = new_release(host, good_image(A), B)
    assert COMPOSE.count(old) == 1
    files = files_of(release, compose=COMPOSE.replace(old, new))
    return failure(host, files, release, application=QUICK)


def running(script: str) -> str:
    """Return lines of a compose file under which the web service runs another program."""
    words = json.dumps(["node", "-e", script.replace("$", "$$")])
    return f"    command: {words}\n    env_file: /opt/trovella/.env\n"


ENV_FILE = "    env_file: /opt/trovella/.env\n"


def test_a_port_that_somebody_has_is_told_with_who_has_it(vm: Vm, host: Host):
    release = new_release(host, good_image(A), A)
    with listening(vm, 80):
        told = failure(host, files_of(release, compose=COMPOSE), release)

    assert told.code == "port-taken"
    assert told.seen.startswith("port 80: ")
    assert "sport = :80" in told.commands[0]


@contextmanager
def listening(vm: Vm, port: int) -> Generator[None]:
    """Let another program on the VM have a port."""
    start = f"perl -MSocket -e '{LISTEN}' {port} </dev/null >/dev/null 2>&1 & echo $! >/run/other"
    vm.machine.run("sh", "-c", start)
    try:
        wait_until(lambda: f":{port} " in vm.machine.run("ss", "-Hltn"), "the other program")
        yield
    finally:
        vm.machine.run("sh", "-c", "kill $(cat /run/other)")


def test_a_release_serves(host: Host):
    release = new_release(host, good_image(A), A)
    activate(host, release, files_of(release, compose=COMPOSE))
    note(host, release, "verified")

    facts = read(host)
    assert facts.current == release.number
    assert read_ledger(facts.ledger).stage(release.number) == "verified"


def test_a_damaged_line_of_the_history_is_told_and_shown(host: Host):
    ledger = f"{APPLICATION.directory}/ledger.jsonl"
    damage = Command(("sh", "-euc", 'cp -p "$1" /tmp/kept; sed -i "2s/.$//" "$1"', "sh", ledger))
    host.check(damage, "not damaged")
    try:
        with pytest.raises(LedgerCorrupt) as caught:
            read_ledger(read(host).ledger)
        told = diagnosed(caught.value, host)
        shown = host.run(Command(("sh", "-c", shlex.split(told.commands[1])[-1]), changes=False))
    finally:
        host.check(Command(("sh", "-euc", 'cat /tmp/kept >"$1"', "sh", ledger)), "not mended")

    assert (told.code, told.seen) == ("ledger-damaged", "ledger.jsonl, line 2: is no JSON")
    assert told.impact.startswith("Users notice nothing")
    assert shown.stdout.splitlines()[1].split(maxsplit=1)[0] == "2"
    assert read_ledger(read(host).ledger).current


def test_the_proxy_is_found_whatever_it_is_called(host: Host):
    asked = Evidence(around=around(host)).on_service("caddy", "docker inspect --format {{.Name}}")
    name = "trovella-caddy-1"

    host.check(Command(("docker", "rename", name, "edge")), "no rename")
    try:
        found = host.run(Command(("sh", "-c", shlex.split(asked)[-1]), changes=False))
    finally:
        host.check(Command(("docker", "rename", "edge", name)), "no rename")

    assert found.stdout == "/edge\n"


def test_a_container_that_exits_at_its_start(host: Host):
    script = "console.error('Cannot find module left-pad'); process.exit(3)"

    told = with_compose(host, ENV_FILE, running(script))

    assert (told.code, told.seen) == ("container-exits-at-start", "Cannot find module left-pad")
    assert told.cause == "the new container ends by itself with exit status 3"
    assert told.left.startswith("Release ")
    assert (told.impact, told.retry) == (SERVES_ON, Retry.USELESS)


def test_a_container_that_takes_more_memory_than_it_may(host: Host):
    script = "const all = []; for (;;) all.push(Buffer.alloc(4e6, 1))"
    limited = f"    mem_limit: 96m\n    memswap_limit: 96m\n{running(script)}"

    told = with_compose(host, ENV_FILE, limited)

    assert (told.code, told.seen) == ("out-of-memory", "OOMKilled, exit status 137")


def test_an_application_on_another_port(host: Host):
    told = with_compose(host, ENV_FILE, f"    environment: {{PORT: '3001'}}\n{ENV_FILE}")

    assert (told.code, told.seen) == ("wrong-port", "listens: 3001")


def server(status: int, headers: str = "{}") -> str:
    return (
        f"require('http').createServer((q, a) => {{ a.writeHead({status}, {headers}); a.end('no') "
        "}).listen(3000)"
    )


def test_a_health_path_that_redirects(host: Host):
    script = server(301, '{location: "https://login.example/"}')

    told = with_compose(host, ENV_FILE, running(script))

    assert told.code == "health-redirects"
    assert told.seen == "HTTP 301, location: https://login.example/"


def test_an_application_that_never_becomes_healthy(host: Host):
    told = with_compose(host, ENV_FILE, running(f"console.log('no database'); {server(500)}"))

    assert (told.code, told.seen) == ("never-healthy", "no database")
    assert told.cause.endswith("(HTTP 500)")


def test_an_image_for_another_architecture(host: Host):
    release = new_release(host, foreign_image(), B)

    told = failure(host, files_of(release, compose=COMPOSE), release, application=QUICK)

    assert told.code == "architecture-mismatch"
    assert told.cause == "the image is for arm64, and the host is amd64"


def test_a_variable_that_the_compose_file_demands(host: Host):
    told = with_compose(
        host, ENV_FILE, f"    labels: {{region: '${{SEARCH_REGION:?must be set}}'}}\n{ENV_FILE}"
    )

    assert told.code == "environment-variable-missing"
    assert "SEARCH_REGION" in told.seen
    assert "/.env" in told.commands[0]


def test_a_compose_file_that_is_none(host: Host):
    told = with_compose(host, ENV_FILE, f"    no_such_key: 1\n{ENV_FILE}")

    assert told.code == "compose-invalid"
    assert "no_such_key" in told.seen


def test_an_image_of_another_version_after_its_migrations(host: Host):
    release = replace(new_release(host, good_image(A), B), migrations=("0003_note",))

    told = failure(host, files_of(release, compose=COMPOSE), release)

    assert (told.code, told.seen) == ("other-version", f"it says {A}")
    # Migration green, deploy red: the schema is ahead of the code that serves.
    assert [one.partition(":")[0] for one in told.also] == ["schema-ahead"]
    assert told.also[0].endswith("(0003_note)")


def test_a_caddyfile_that_caddy_does_not_accept(host: Host):
    release = new_release(host, good_image(A), A)
    wrong = CADDYFILE.replace("{\n", "{\n\tno_such_directive\n", 1)

    told = failure(host, files_of(release, compose=COMPOSE, caddyfile=wrong), release)

    assert told.code == "caddyfile-invalid"
    assert "no_such_directive" in told.seen


def test_an_image_that_the_registry_does_not_have(host: Host):
    release = new_release(host, Image(REPOSITORY, f"sha256:{'0' * 64}"), B)

    plan = decide_activation(
        read(host), release, files_of(release, compose=COMPOSE), QUICK, login(), VERIFY
    )
    with pytest.raises(CommandFailed) as caught:
        carry_out(plan, host)
    note(host, release, "failed")
    before = host.round_trips

    told = diagnosed(caught.value, host)

    assert told.code == "image-not-found"
    assert told.seen.startswith("HTTP 404; ")
    assert host.round_trips - before == 1


def test_a_login_that_the_registry_refuses(host: Host):
    release = new_release(host, Image(REPOSITORY, f"sha256:{'0' * 64}"), B)
    wrong = replace(login(), token=Secret("hunter2-wrong-token"))

    told = failure(host, files_of(release, compose=COMPOSE), release, wrong)

    assert told.code == "registry-login-refused"
    assert "hunter2" not in repr(told)


def test_a_full_disk(vm: Vm, host: Host):
    releases = f"{LAYOUT.directory}/releases"
    release = new_release(host, good_image(A), B)
    vm.machine.run("mount", "-t", "tmpfs", "-o", "size=8k,uid=1000,gid=1000", "tmpfs", releases)
    try:
        with pytest.raises(CommandFailed) as caught:
            activate(host, release, files_of(release, compose=COMPOSE))
        told = diagnosed(caught.value, host)
    finally:
        vm.machine.run("umount", releases)

    assert told.code == "disk-full"
    assert told.seen.startswith(f"{releases}: ")
    assert told.seen.endswith(" bytes free")


def test_a_folder_that_may_not_be_written(vm: Vm, host: Host):
    releases = f"{LAYOUT.directory}/releases"
    release = new_release(host, good_image(A), B)
    vm.machine.run("chown", "root", releases)
    vm.machine.run("chmod", "755", releases)
    try:
        with pytest.raises(CommandFailed) as caught:
            activate(host, release, files_of(release, compose=COMPOSE))
        told = diagnosed(caught.value, host)
    finally:
        vm.machine.run("chown", "deploy", releases)
        vm.machine.run("chmod", "700", releases)

    assert told.code == "upload-failed"
    assert "Permission denied" in told.seen


def test_an_engine_that_is_down(vm: Vm, host: Host):
    vm.machine.run("service", "docker", "stop")
    try:
        with pytest.raises(CommandFailed) as caught:
            read(host)
        told = diagnosed(caught.value, host)
    finally:
        vm.machine.run("service", "docker", "start")

    assert (told.code, told.seen) == ("engine-down", "docker version: no answer")
    assert "docker start" in told.commands[1]


def refused(vm: Vm, **address: object) -> Diagnosis:
    """Return what is said of a host that cannot be used with an address that differs."""
    with Host(replace(vm.address, **address)) as other:  # pyright: ignore[reportArgumentType]
        with pytest.raises(HostError) as caught:
            other.run(Command(("true",)))
        return diagnosed(caught.value, other)


def test_a_host_that_does_not_answer(vm: Vm):
    closed, unknown = refused(vm, port=23), refused(vm, host="nobody.rehearsal")

    assert (closed.code, closed.seen) == ("host-unreachable", f"{vm.address.host}: ECONNREFUSED")
    assert (unknown.code, unknown.cause) == (
        "host-unreachable",
        "the host's name does not resolve",
    )


def test_an_sshd_that_hangs_behind_a_tunnel(vm: Vm):
    """The name that the tunnel is given need not resolve where the worker is."""
    told = refused(vm, host="nobody.rehearsal", proxy_command="sleep 120")

    assert (told.code, told.cause) == (
        "host-unreachable",
        "the host's SSH server does not let a session come about",
    )


def test_a_host_with_another_key(vm: Vm):
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL/nlGlHeceNOGS5MJ8sqzyirr9j4bj5rG7+KpXsIKD9"

    told = refused(vm, host_key=other)

    assert (told.code, told.retry) == ("host-key-changed", Retry.NO)


def test_a_key_that_the_host_does_not_know(vm: Vm):
    assert refused(vm, user="nobody-we-know").code == "host-login-refused"
