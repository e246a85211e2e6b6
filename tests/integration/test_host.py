"""The SSH executor against a real sshd: what it carries, and how it tells each way of losing it."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.decide.bootstrap import decide_bootstrap
from rollout.errors import (
    CommandFailed,
    CommandTimedOut,
    ConfigInvalid,
    HostError,
    HostKeyChanged,
    HostUnreachable,
    OutcomeUnknown,
)
from rollout.executors.host import Host
from rollout.model.command import Command, Secret, script
from rollout.model.finding import Refuse
from tasks.target import read_machine
from tests.support.vm import APPLICATION, Vm, bare_vm, prepare, read

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.rehearsal

OTHER_ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICo7EI3xqO1BnR5/mgubl2H2AnqkFQ+zNW+/Mw+LOoU1"
OTHER_ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLD+bsIf"
    "19nnoNcMdhAil/REBjVrdEpTDH5pbfhum5LHzhhpiW+o0c1d2lXcusloTTVVBEWBsxV6pAxDAIc2tYI="
)


@pytest.fixture(scope="module")
def vm() -> Generator[Vm]:
    with bare_vm("ssh", "10.77.0.62") as one:
        yield one


@pytest.fixture
def host(vm: Vm) -> Generator[Host]:
    with Host(vm.address) as one:
        yield one


def test_streams_and_status_come_back_apart(host: Host):
    result = host.run(Command(script('echo "$1"; echo err >&2; exit 7', "schön 'ge' $HOME")))

    assert (result.exit_code, result.stdout, result.stderr) == (7, "schön 'ge' $HOME\n", "err\n")
    assert result.duration_s < 5


def test_a_large_input_and_a_large_output_pass(host: Host):
    text = "0123456789äbcdéf日" * 65536

    result = host.run(Command(("cat",), stdin=Secret(text)))

    assert result.stdout == text
    assert result.duration_s < 20


def test_a_command_without_input_sees_its_end(host: Host):
    assert host.run(Command(("cat",), timeout_s=5)).ok


def test_everything_goes_over_one_connection(host: Host):
    ports = {
        host.run(Command(script('echo "$SSH_CONNECTION"'))).stdout.split()[1] for _ in range(3)
    }

    assert len(ports) == 1
    assert host.round_trips == 3


def test_a_failed_check_tells_what_was_seen(host: Host):
    command = Command(script("# look\necho seen; exit 80"), meanings={80: "it is not there"})

    with pytest.raises(CommandFailed) as caught:
        host.check(command, "looking failed", next_step="Look again.")

    assert str(caught.value) == (
        "looking failed: it is not there: `sh -euc '# look ...' sh` ended with exit status 80\n"
        "  stdout: seen\n"
        "  stderr: nothing written\n"
        "left: Nothing was changed.\n"
        "next: Look again."
    )


def test_a_command_that_takes_too_long_is_stopped_on_the_host(vm: Vm, host: Host):
    with pytest.raises(CommandTimedOut) as caught:
        host.run(Command(("sleep", "4711"), timeout_s=1))

    assert caught.value.true.startswith("`sleep` did not end within 1 s and was stopped")
    assert not vm.machine.succeeds("pgrep", "-f", "sleep 4711")


@pytest.mark.parametrize("other", [OTHER_ED25519, OTHER_ECDSA])
def test_another_host_key_is_refused(vm: Vm, other: str):
    with Host(replace(vm.address, host_key=other)) as host, pytest.raises(HostKeyChanged) as caught:
        host.run(Command(("true",)))

    assert caught.value.true.startswith("10.77.0.62 shows the key SHA256:")
    assert caught.value.left == "Nothing was changed."
    assert caught.value.next_step == (
        "If the host was rebuilt, put its new key into the block; if not, find out who answers in "
        "its place."
    )
    assert not caught.value.retry_safe


def test_a_host_that_is_not_there(vm: Vm):
    with (
        Host(replace(vm.address, host="10.77.0.250")) as host,
        pytest.raises(HostUnreachable) as caught,
    ):
        host.run(Command(("true",)))

    assert caught.value.true.startswith("no SSH session to deploy@10.77.0.250:22 came about")
    assert caught.value.retry_safe


def test_a_login_that_the_host_does_not_know(vm: Vm):
    with Host(replace(vm.address, user="nobody")) as host, pytest.raises(HostError) as caught:
        host.run(Command(("true",)))

    assert caught.value.true == (
        "10.77.0.62 does not accept the block's private key for user nobody"
    )
    assert not caught.value.retry_safe


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"host_key": "nonsense"},
            "target host block, host_key: should read `ssh-ed25519 AAAA...`",
        ),
        ({"private_key": Secret("hunter2")}, "target host block, private_key: is no Ed25519"),
    ],
)
def test_a_block_that_holds_no_keys(vm: Vm, change: dict[str, object], told: str):
    with Host(replace(vm.address, **change)) as host, pytest.raises(ConfigInvalid) as caught:  # pyright: ignore[reportArgumentType]
        host.run(Command(("true",)))

    assert caught.value.true.startswith(told)
    assert "hunter2" not in str(caught.value)


PROXY = """\
import socket, sys, threading
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def outward():
    while data := sys.stdin.buffer.raw.read(65536):
        peer.sendall(data)
threading.Thread(target=outward, daemon=True).start()
while data := peer.recv(65536):
    sys.stdout.buffer.raw.write(data)
"""


def test_a_tunnel_carries_the_connection(vm: Vm, tmp_path: Path):
    proxy = tmp_path / "proxy.py"
    proxy.write_text(PROXY)
    address = replace(vm.address, proxy_command=f"{sys.executable} {proxy} %h %p")

    with Host(address) as host:
        assert host.run(Command(("id", "-un"))).stdout == "deploy\n"


def cut_soon(vm: Vm, *command: str) -> threading.Thread:
    def cut() -> None:
        time.sleep(1)
        vm.machine.run(*command)

    thread = threading.Thread(target=cut)
    thread.start()
    return thread


# In the VM's own process namespace, so it can only meet the VM's sessions.
END_SESSIONS = ("pkill", "-KILL", "-f", "sshd-session: deploy")
DROP = ("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP")
PASS = ("iptables", "-D", *DROP[2:])


def test_a_session_that_ends_under_a_changing_command_is_an_unknown_outcome(vm: Vm, host: Host):
    thread = cut_soon(vm, *END_SESSIONS)
    began = time.monotonic()

    with pytest.raises(OutcomeUnknown) as caught:
        host.run(Command(("sleep", "5")))

    thread.join()
    assert time.monotonic() - began < 5
    assert caught.value.true == "the connection to 10.77.0.62 was cut while `sleep 5` ran"
    assert caught.value.left == "The command may have been done, or not, or may still go on."
    assert caught.value.retry_safe  # by a task, which reads the facts first


def test_a_command_that_changes_nothing_is_asked_again(vm: Vm, host: Host):
    thread = cut_soon(vm, *END_SESSIONS)

    result = host.run(Command(script("sleep 2; echo done"), changes=False))

    thread.join()
    assert result.stdout == "done\n"
    assert host.round_trips == 2


def test_a_connection_that_died_while_nobody_spoke_is_replaced(vm: Vm, host: Host):
    host.run(Command(("true",)))
    vm.machine.run(*END_SESSIONS)

    assert host.run(Command(("echo", "again"))).stdout == "again\n"


def test_a_host_that_falls_silent_is_noticed_within_fifteen_seconds(vm: Vm, host: Host):
    thread = cut_soon(vm, *DROP)
    began = time.monotonic()
    try:
        with pytest.raises(OutcomeUnknown):
            host.run(Command(("sleep", "60")))
        noticed_s = time.monotonic() - began - 1
    finally:
        thread.join()
        vm.machine.run(*PASS)

    assert noticed_s < 15


def test_a_bare_machine_is_prepared_and_then_ready(vm: Vm):
    with Host(vm.address) as host:
        first = prepare(host)
        again = prepare(host)

        assert [step.name for step in first.steps] == [
            "make /opt/trovella belong to deploy",
            "let deploy use the engine",
            "write the engine's settings",
            "restart the engine",
        ]
        assert again.is_empty
        assert (
            host.run(Command(("docker", "info", "--format", "{{.LiveRestoreEnabled}}"))).stdout
            == "true\n"
        )
        assert host.run(Command(("stat", "-c", "%U %a", "/opt/trovella"))).stdout == "deploy 750\n"
        assert read(host).containers == ()


def test_too_little_space_is_refused(vm: Vm):
    with Host(vm.address) as host:
        facts = read_machine(host, APPLICATION)

    verdict = decide_bootstrap(facts, APPLICATION, "deploy", needed_free_bytes=2**60)

    assert isinstance(verdict, Refuse)
    assert [one.rule for one in verdict.findings] == ["free-disk"]


def test_an_engine_that_does_not_run_is_refused(vm: Vm):
    vm.machine.run("service", "docker", "stop")
    try:
        with Host(vm.address) as host:
            facts = read_machine(host, APPLICATION)
            with pytest.raises(CommandFailed) as caught:
                read(host)
    finally:
        vm.machine.run("service", "docker", "start")

    verdict = decide_bootstrap(facts, APPLICATION, "deploy")
    assert isinstance(verdict, Refuse)
    assert [one.rule for one in verdict.findings] == ["engine-running"]
    assert caught.value.true.startswith("read: the Docker engine does not answer")
