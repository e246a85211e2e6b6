"""The lease on a real host: one owner at a time, whatever becomes of owners and connections."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from infra.rehearsal.shell import wait_until
from rollout.commands.lease import (
    hold_command,
    parse_lease,
    read_lease_command,
    release_hold_command,
)
from rollout.errors import HostError, LeaseHeld, LeaseLost, OutcomeUnknown, Superseded
from rollout.executors.hold import hold as keep_back
from rollout.executors.host import Host
from rollout.executors.lease import hold_lease
from rollout.model.command import Command, script
from rollout.model.layout import Layout
from rollout.model.lease import Claim, LeaseFacts
from tests.support.vm import Vm, bare_vm, prepare
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal

LAYOUT = Layout("/opt/trovella")
END_SESSIONS = ("pkill", "-KILL", "-f", "sshd-session: deploy")
FREE_AGAIN_S = 15.0


@pytest.fixture(scope="module")
def vm() -> Generator[Vm]:
    with bare_vm("lease", "10.77.0.63") as one:
        yield one


@pytest.fixture
def host(vm: Vm) -> Generator[Host]:
    with Host(vm.address) as one:
        yield one


def claim(owner: str, asked_at: str = "", *, reason: str = "a test") -> Claim:
    return Claim(uuid4().hex, owner, reason, "", asked_at, supersedes=bool(asked_at))


def look(host: Host) -> LeaseFacts:
    return parse_lease(host.check(read_lease_command(LAYOUT), "look").stdout)


def note(text: str) -> Command:
    return Command(script('echo "$1" >>/tmp/notes', text))


def notes(vm: Vm) -> list[str]:
    return vm.machine.run("cat", "/tmp/notes").split()


@contextmanager
def owner(vm: Vm, name: str) -> Generator[subprocess.Popen[str]]:
    """Yield a process that holds the lease; it is gone afterwards."""
    words = (vm.address.host, vm.address.host_key, facts()["deploy_key"], name)
    with subprocess.Popen(
        (sys.executable, "-m", "tests.support.lease_owner", *words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def ask(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_machine_that_nothing_was_done_to_has_a_lease(vm: Vm, host: Host):
    with hold_lease(host, LAYOUT, claim("first"), wait_s=5):
        assert not prepare(host).is_empty
        assert host.run(note("prepared")).ok
        assert look(host).holder is not None

    assert notes(vm) == ["prepared"]
    assert look(host) == LeaseFacts()
    assert host.run(Command(("stat", "-c", "%U %a", LAYOUT.lease))).stdout == "deploy 700\n"


def test_a_file_system_without_room_is_told_as_one(vm: Vm, host: Host):
    layout = Layout("/srv/full")
    vm.machine.run(
        "sh",
        "-euc",
        "mkdir -p $1; mount -t tmpfs -o size=64k,mode=700,uid=$(id -u deploy) tmpfs $1; "
        "dd if=/dev/zero of=$1/filled bs=1k 2>/dev/null || true",
        "sh",
        layout.lease,
    )
    try:
        with (
            pytest.raises(HostError, match="its file system is full"),
            hold_lease(host, layout, claim("ada"), wait_s=5),
        ):
            pass
        with pytest.raises(HostError, match=r"could not be held: .* its file system is full"):
            keep_back(host, layout, claim("ada"), "own", wait_s=0, for_s=0)
        vm.machine.run("rm", f"{layout.lease}/filled")
        keep_back(host, layout, claim("ada"), "own", wait_s=0, for_s=0)
        host.run(release_hold_command(layout))
        with hold_lease(host, layout, claim("ada"), wait_s=5):
            assert parse_lease(host.check(read_lease_command(layout), "look").stdout).holder
    finally:
        vm.machine.run("umount", layout.lease)


def test_a_second_owner_is_told_who_has_it_and_gets_it_afterwards(vm: Vm, host: Host):
    with hold_lease(host, LAYOUT, claim("ada", reason="a fix"), wait_s=5):
        with (
            Host(vm.address) as other,
            pytest.raises(LeaseHeld) as caught,
            hold_lease(other, LAYOUT, claim("bob"), wait_s=2),
        ):
            pass
        since = getattr(look(host).holder, "since", "")
        assert caught.value.true == (
            f"the target was not free within 2 s: it is held by ada since {since} (a fix)"
        )

    with Host(vm.address) as other, hold_lease(other, LAYOUT, claim("bob"), wait_s=5):
        assert getattr(look(host).holder, "owner", "") == "bob"


def test_a_killed_owner_leaves_the_lease_free_and_nothing_running(vm: Vm, host: Host):
    with owner(vm, "killed") as process:
        assert process.stdin is not None
        process.stdin.write("sleep 4712\n")
        process.stdin.flush()
        wait_until(lambda: vm.machine.succeeds("pgrep", "-f", "sleep 4712"), "the command")
        process.kill()

        with hold_lease(host, LAYOUT, claim("next"), wait_s=FREE_AGAIN_S):
            assert not vm.machine.succeeds("pgrep", "-f", "sleep 4712")
            assert host.run(note("next")).ok


def test_a_paused_owner_that_wakes_up_changes_nothing(vm: Vm, host: Host):
    vm.machine.run("rm", "-f", "/tmp/notes")
    with owner(vm, "paused") as process:
        assert ask(process, "echo mine >>/tmp/notes") == "exit 0"
        process.send_signal(signal.SIGSTOP)
        with hold_lease(host, LAYOUT, claim("next"), wait_s=FREE_AGAIN_S):
            process.send_signal(signal.SIGCONT)
            assert ask(process, "echo late >>/tmp/notes") == "LeaseLost"
            assert host.run(note("next")).ok
        assert ask(process, "echo later >>/tmp/notes") == "LeaseLost"

    assert notes(vm) == ["mine", "next"]


def test_a_paused_owner_that_nobody_followed_goes_on(vm: Vm, host: Host):
    with owner(vm, "paused") as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: look(host).holder is None, "the lease to be free", timeout_s=30)
        process.send_signal(signal.SIGCONT)

        assert ask(process, "true") == "exit 0"
        assert getattr(look(host).holder, "owner", "") == "paused"


def test_a_cut_connection_is_made_again_with_the_lease(vm: Vm, host: Host):
    with Host(vm.address) as one, hold_lease(one, LAYOUT, claim("cut"), wait_s=5):
        vm.machine.run(*END_SESSIONS)
        assert one.run(note("after the cut")).ok
        assert getattr(look(host).holder, "owner", "") == "cut"
    assert look(host).holder is None


def test_what_a_cut_left_running_is_ended_before_anything_is_read_again(vm: Vm):
    with Host(vm.address) as one, hold_lease(one, LAYOUT, claim("cut"), wait_s=5):
        cut = threading.Timer(1, vm.machine.run, END_SESSIONS)
        cut.start()
        with pytest.raises(OutcomeUnknown) as caught:
            one.run(Command(script("trap '' HUP; sleep 4713")))
        assert caught.value.retry_safe

        assert one.run(note("again")).ok
        assert not vm.machine.succeeds("pgrep", "-f", "sleep 4713")


def test_an_owner_whose_place_was_taken_cannot_come_back(vm: Vm, host: Host):
    with Host(vm.address) as one, hold_lease(one, LAYOUT, claim("first"), wait_s=5):
        vm.machine.run("rm", "-f", f"{LAYOUT.lease}/token")
        with pytest.raises(LeaseLost):
            one.run(note("lost"))


def test_the_newest_deploy_that_waits_takes_the_place_of_the_others(vm: Vm, host: Host):
    outcomes: dict[str, str] = {}

    def wait(name: str, asked_at: str) -> threading.Thread:
        def run() -> None:
            try:
                with (
                    Host(vm.address) as one,
                    hold_lease(one, LAYOUT, claim(name, asked_at), wait_s=60),
                ):
                    outcomes[name] = "held"
            except Superseded as error:
                outcomes[name] = error.true

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with hold_lease(host, LAYOUT, claim("serving", "2026-01-01T00:00:01Z"), wait_s=5) as lease:
        lease.stand_aside()
        second = wait("second", "2026-01-01T00:00:02Z")
        wait_until(lambda: getattr(lease.newer, "owner", "") == "second", "the second to be seen")
        third = wait("third", "2026-01-01T00:00:03Z")
        second.join(30)
        late = wait("late", "2026-01-01T00:00:00Z")
        late.join(30)
        with pytest.raises(Superseded) as caught:
            lease.stand_aside()
    third.join(30)

    assert caught.value.left.startswith("This try has changed nothing on the target; ")
    assert outcomes == {
        "second": "a newer deploy takes this one's place: third",
        "late": "a newer deploy takes this one's place: third",
        "third": "held",
    }


def test_a_deploy_from_a_clock_that_ran_ahead_is_in_nobodys_way_once_it_is_over(vm: Vm, host: Host):
    with hold_lease(host, LAYOUT, claim("ahead", "2199-01-01T00:00:00Z"), wait_s=5):
        pass

    with hold_lease(host, LAYOUT, claim("of today", "2026-01-01T00:00:04Z"), wait_s=5):
        pass


def test_a_waiting_deploy_that_died_is_not_taken_for_a_newer_one(vm: Vm, host: Host):
    with hold_lease(host, LAYOUT, claim("serving", "2026-01-01T00:01:01Z"), wait_s=5) as lease:
        dead = claim("dead", "2026-01-01T00:01:09Z")
        with (
            Host(vm.address) as one,
            pytest.raises(LeaseHeld),
            hold_lease(one, LAYOUT, dead, wait_s=1),
        ):
            pass
        lease.newer = None
        time.sleep(2)
        lease.stand_aside()

    with (
        Host(vm.address) as one,
        hold_lease(one, LAYOUT, claim("b", "2026-01-01T00:01:02Z"), wait_s=5),
    ):
        assert getattr(look(host).holder, "owner", "") == "b"


def test_an_older_deploy_never_follows_a_newer_one(vm: Vm, host: Host):
    with hold_lease(host, LAYOUT, claim("newer", "2026-01-01T00:02:02Z"), wait_s=5):
        pass

    with (
        Host(vm.address) as one,
        pytest.raises(Superseded) as caught,
        hold_lease(one, LAYOUT, claim("older", "2026-01-01T00:02:01Z"), wait_s=5),
    ):
        pass

    assert caught.value.true == "a newer deploy takes this one's place: newer"
    with hold_lease(host, LAYOUT, claim("rollback"), wait_s=5):
        assert host.run(Command(("true",))).ok


def test_a_run_that_was_cut_off_does_not_come_back_under_a_persons_hold(vm: Vm, host: Host):
    vm.machine.run("rm", "-f", "/tmp/notes")
    with owner(vm, "paused") as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: look(host).holder is None, "the lease to be free", timeout_s=30)
        held = host.run(hold_command(LAYOUT, claim("ada"), wait_s=0, for_s=0))
        process.send_signal(signal.SIGCONT)
        said = ask(process, "echo late >>/tmp/notes")
        ran = vm.machine.succeeds("test", "-e", "/tmp/notes")
    host.run(release_hold_command(LAYOUT))

    assert held.ok
    # On a slow machine the pause outlives the connection, and the worker hears of that first.
    assert said in {"LeaseLost", "OutcomeUnknown"}
    assert not ran


def test_a_lease_that_is_held_can_be_made_sure_of(vm: Vm, host: Host):
    with Host(vm.address) as one, hold_lease(one, LAYOUT, claim("sure"), wait_s=5) as lease:
        vm.machine.run(*END_SESSIONS)
        lease.assure()
        vm.machine.run("rm", "-f", f"{LAYOUT.lease}/token")
        with pytest.raises(LeaseLost):
            lease.assure()


def test_a_person_holds_deploys_back_until_they_are_released(vm: Vm, host: Host):
    def hold(**lasts: int) -> str:
        asked = {"wait_s": 0, "for_s": 0, **lasts}
        return host.run(hold_command(LAYOUT, claim("ada", reason="a slow query"), **asked)).meaning

    assert not hold()
    assert hold() == "somebody else has it"
    with (
        Host(vm.address) as other,
        pytest.raises(LeaseHeld) as caught,
        hold_lease(other, LAYOUT, claim("deploy"), wait_s=5),
    ):
        pass
    since = getattr(look(host).hold, "since", "")
    assert caught.value.true == (
        f"the target is held back: it is held by ada since {since} (a slow query)"
    )
    assert "bin/release-hold" in caught.value.next_step

    was = parse_lease(host.run(release_hold_command(LAYOUT)).stdout).hold
    assert getattr(was, "owner", "") == "ada"
    with hold_lease(host, LAYOUT, claim("deploy"), wait_s=5), Host(vm.address) as other:
        assert other.run(hold_command(LAYOUT, claim("ada"), wait_s=0, for_s=0)).exit_code != 0

    assert not hold(for_s=1)
    wait_until(lambda: look(host).hold is None, "the hold to end")
    with hold_lease(host, LAYOUT, claim("deploy"), wait_s=5):
        assert look(host).hold is None
