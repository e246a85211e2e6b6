"""Machines: own root, processes, network, host name and cgroups, over an overlay of a shared root.

`fresh_vm(rehearsal, "vm2", "10.77.0.3").up()` gives a test a bare VM of its own in a second or two.
All of it works from the pipeline's namespaces as well as from outside.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.rehearsal import certificates, facts, network
from infra.rehearsal.paths import INSIDE, Rehearsal
from infra.rehearsal.roots import build_roots
from infra.rehearsal.shell import RehearsalError, run, succeeds, wait_until

CGROUPS: Final = Path("/sys/fs/cgroup")
GRACE_S: Final = 60
HOST_USER: Final = "deploy"
FIRST_PROCESS: Final = b"/usr/local/sbin/machine-init"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with a root of its own.

    Attributes:
        rehearsal: whose switch it is on.
        name: its folder's name and host name.
        addresses: on the switch; the first one is its own.
        lower: overlayfs's `lowerdir`.
        init: the script of `inside/` that becomes its first process.
        binds: folders outside, and where the machine sees them.
    """

    rehearsal: Rehearsal
    name: str
    addresses: tuple[str, ...]
    lower: str
    init: str
    binds: tuple[tuple[Path, str], ...] = ()

    @property
    def state(self) -> Path:
        """Return the folder of its disk."""
        return self.rehearsal.machine(self.name)

    @property
    def upper(self) -> Path:
        """Return the folder of the files that it has beyond the shared root."""
        return self.state / "upper"

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Put a file on its disk; only while it is off."""
        target = self.upper / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def create(self) -> None:
        """Make its disk, unless it has one: name, resolver, trust store, first process."""
        if (self.state / "binds").exists():
            return
        for folder in ("upper", "work"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        (self.state / "lower").write_text(self.lower, encoding="utf-8")
        self.write("/etc/hostname", f"{self.name}\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{self.addresses[0]} {self.name}\n")
        self.write("/etc/resolv.conf", resolver())
        self.write("/usr/local/sbin/machine-init", (INSIDE / self.init).read_text("utf-8"), 0o755)
        trusted = self.rehearsal.bundle.read_text(encoding="utf-8")
        self.write("/etc/ssl/certs/ca-certificates.crt", trusted)
        binds = "".join(f"{source} {target}\n" for source, target in self.binds)
        (self.state / "binds").write_text(binds, encoding="utf-8")

    def up(self) -> None:
        """Create it, connect it and switch it on, as far as that has not happened."""
        self.create()
        network.attach(self.rehearsal, self.name, self.addresses)
        self.boot()

    def boot(self) -> None:
        """Switch it on; its disk is as it was left."""
        if self.first_process() is not None:
            return
        cgroups = "".join(f"{cgroup}\n" for cgroup in join_cgroups(self._cgroup_name))
        (self.state / "cgroups").write_text(cgroups, encoding="utf-8")
        kept = network.keeper(self.rehearsal, self.name)
        command = [str(INSIDE / "boot"), str(self.state), f"/proc/{kept}/ns/net"]
        with (self.state / "boot.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        (self.state / "outer.pid").write_text(str(process.pid), encoding="utf-8")
        wait_until(
            lambda: self.first_process() is not None or process.poll() is not None,
            f"the start of {self.name}",
        )
        if process.poll() is not None:
            log_text = (self.state / "boot.log").read_text(encoding="utf-8")
            raise RehearsalError(
                f"machine {self.name} did not start\n  {log_text}",
                "Its disk is still there.",
                f"Read {self.state}/upper/var/log/init.log, or take the rehearsal down.",
            )

    def first_process(self) -> int | None:
        """Return the pid, as seen from outside, of its first process; None while it is off."""
        outer = self._outer()
        if outer is None:
            return None
        with suppress(OSError):
            children = Path(f"/proc/{outer}/task/{outer}/children").read_text(encoding="utf-8")
            for child in children.split():
                if FIRST_PROCESS in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
        return None

    def stop(self) -> None:
        """Shut it down in order; after a minute it is cut off."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Cut its power."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Cut its power and take away its network, cgroups and disk."""
        self.kill()
        network.detach(self.rehearsal, self.name)
        leave_cgroups(self._cgroup_name)
        shutil.rmtree(self.state, ignore_errors=True)

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command inside as root and return its standard output.

        Raises:
            RehearsalError: it failed, or the machine is off.
        """
        return run([*self._enter(), *command], stdin=stdin)

    def succeeds(self, *command: str) -> bool:
        """Return whether a command inside exits with 0."""
        return succeeds([*self._enter(), *command])

    @property
    def _cgroup_name(self) -> str:
        return self.rehearsal.netns(self.name)

    def _enter(self) -> tuple[str, ...]:
        first = self.first_process()
        if first is None:
            raise RehearsalError(
                f"machine {self.name} is off", "Nothing was run.", "Boot it, then try again."
            )
        into = ("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ("nsenter", f"--target={first}", *into, "env", "-i", path, "HOME=/root")

    def _outer(self) -> int | None:
        try:
            pid = int((self.state / "outer.pid").read_text(encoding="utf-8"))
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if str(self.state).encode() in words.split(b"\0") else None

    def _end(self, how: signal.Signals) -> None:
        outer, first = self._outer(), self.first_process()
        if outer is None:
            return
        with suppress(ProcessLookupError):
            os.kill(first or outer, how)
        try:
            wait_until(lambda: self._outer() is None, f"the end of {self.name}", timeout_s=GRACE_S)
        except RehearsalError:
            os.kill(outer, signal.SIGKILL)
            wait_until(lambda: self._outer() is None, f"the end of {self.name}")


def resolver() -> str:
    """Return the /etc/resolv.conf of every machine: the cloud's DNS and nothing else."""
    return f"nameserver {facts.REGISTRY}\noptions timeout:1 attempts:2\n"


def fresh_vm(rehearsal: Rehearsal, name: str, address: str) -> Machine:
    """Return a VM as bare as a cloud's image, off and without a disk as yet.

    Its user `deploy` may use sudo without a password, is not in the group `docker`, and is let in
    by the rehearsal's deploy key. `host_key()` is its identity, known before its first start.
    """
    machine = Machine(
        rehearsal,
        name,
        (address,),
        build_roots(rehearsal.cache).lower("vm"),
        "vm-init",
        ((rehearsal.machine(name) / "docker", "/var/lib/docker"),),
    )
    deploy_key = certificates.ensure_ssh_key(rehearsal.state / "ssh" / "deploy", "rehearsal")
    host_key(machine)
    private = (machine.state / "host_key").read_text(encoding="utf-8")
    if not (machine.state / "binds").exists():
        machine.write("/etc/ssh/ssh_host_ed25519_key", private, 0o600)
        machine.write(f"/home/{HOST_USER}/.ssh/authorized_keys", f"{deploy_key}\n", 0o600)
        for path in (f"home/{HOST_USER}", f"home/{HOST_USER}/.ssh"):
            (machine.upper / path).chmod(0o700)
        for path in (machine.upper / "home" / HOST_USER).rglob("*"):
            os.chown(path, 1000, 1000)
        os.chown(machine.upper / "home" / HOST_USER, 1000, 1000)
    return machine


def host_key(machine: Machine) -> str:
    """Return the public host key of a VM, as `ssh-ed25519 AAAA...`."""
    public = certificates.ensure_ssh_key(machine.state / "host_key", machine.name)
    return " ".join(public.split()[:2])


def builder(rehearsal: Rehearsal) -> Machine:
    """Return the machine with the engine that the pipeline builds with; its socket is shared."""
    shared = rehearsal.machine("builder") / "shared"
    machine = Machine(
        rehearsal,
        "builder",
        (facts.BUILDER,),
        build_roots(rehearsal.cache).lower("vm"),
        "vm-init",
        (
            (rehearsal.machine("builder") / "docker", "/var/lib/docker"),
            (shared, "/srv/shared"),
        ),
    )
    if not (machine.state / "binds").exists():
        sockets = "-H unix:///var/run/docker.sock -H unix:///srv/shared/docker.sock"
        machine.write("/etc/default/docker", f'DOCKER_OPTS="{sockets}"\n')
        host_key(machine)
        private = (machine.state / "host_key").read_text(encoding="utf-8")
        machine.write("/etc/ssh/ssh_host_ed25519_key", private, 0o600)
    return machine


def join_cgroups(name: str) -> tuple[Path, ...]:
    """Make a cgroup of this name in every hierarchy and return them.

    Version 1 has a hierarchy for each controller and leaves `cpuset` empty, which nothing can join.
    Version 2 (one hierarchy) was never tried.
    """
    roots = [CGROUPS] if (CGROUPS / "cgroup.procs").exists() else sorted(CGROUPS.iterdir())
    made: list[Path] = []
    for root in roots:
        if root.is_symlink() or not (root / "cgroup.procs").exists():
            continue
        group = root / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (root / setting).exists() and (group / setting).exists():
                (group / setting).write_text((root / setting).read_text("utf-8"), "utf-8")
        made.append(group)
    return tuple(made)


def leave_cgroups(name: str) -> None:
    """Remove the cgroups of this name, and what the machine's engine made below them.

    The kernel counts a process for a moment after its end, so this tries until nothing is left.
    """
    pattern = name if (CGROUPS / "cgroup.procs").exists() else f"*/{name}"
    wait_until(lambda: _removed(tuple(CGROUPS.glob(pattern))), f"the end of cgroup {name}")


def _removed(groups: tuple[Path, ...]) -> bool:
    # What is looked at may go away meanwhile: the kernel and the engine tidy up as well.
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
    return not any(group.exists() for group in groups)
