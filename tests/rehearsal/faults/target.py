"""The VM that deploys are broken on: a disk that can be full, versions in turn, what serves."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from infra.rehearsal.shell import wait_until
from rollout.commands.lease import SILENCE_S
from rollout.decide.releases import releases_on
from rollout.executors.host import Host
from tests.rehearsal.faults.deploying import deploy
from tests.rehearsal.faults.order import AT, HELD, Order, Told, parse_told, render
from tests.support.load import Load, load_on
from tests.support.vm import CADDYFILE, Vm, bare_vm, good_image, prepare, read
from tests.support.world import ROOT, facts

if TYPE_CHECKING:
    from collections.abc import Generator

VERSIONS = ("a" * 40, "b" * 40, "c" * 40)
LIMIT_S = 180.0
FREE_AGAIN_S = SILENCE_S + 6.0
"""How long a lease may outlive its owner, in seconds: its expiry, and what a look takes."""
BETWEEN_S = 0.2
ROOMY = "6g"
# What the application and the engine have on disk lies on a file system that can be made full.
_DISK = f"""\
service docker stop >/dev/null 2>&1
mkdir -p /srv/disk /opt/trovella
mount -t tmpfs -o size={ROOMY} tmpfs /srv/disk
mkdir -m 711 /srv/disk/docker
mkdir /srv/disk/trovella
mount --bind /srv/disk/docker /var/lib/docker
mount --bind /srv/disk/trovella /opt/trovella
service docker start >/dev/null 2>&1
"""


@dataclass(slots=True)
class Target:
    """A VM that serves one of three versions, under load.

    Attributes:
        vm: The VM.
        load: What goes on meanwhile.
        numbers: Counts the deploys.
        logs: Where each deploy's log lies.
    """

    vm: Vm
    logs: Path
    load: Load = field(default_factory=lambda: Load(""))
    numbers: Any = field(default_factory=lambda: count(1))

    def run(self, *words: str) -> str:
        """Run a command inside as root."""
        return self.vm.machine.run(*words)

    def serving(self) -> tuple[str, str]:
        """Return who answers from outside: the version in the body, the name in the header."""
        answer = httpx.get(self.vm.url, timeout=20)
        return answer.json()["version"], answer.headers["x-release"]

    def next_version(self) -> str:
        """Return the version that comes after the one that serves."""
        return VERSIONS[(VERSIONS.index(self.serving()[0]) + 1) % len(VERSIONS)]

    def kept_version(self) -> str:
        """Return the version whose release the host keeps beside the one that serves."""
        serves, own = self.serving()
        with Host(self.vm.address) as host:
            kept = [one for one in releases_on(read(host)) if f"web-r{one.number}" != own]
        assert kept, f"nothing is kept beside {own} ({serves})"
        return kept[-1].version.sha

    def order(self, version: str, run_id: str, **more: Any) -> Order:
        """Return the order to deploy a version; each has a Caddyfile of its own."""
        address = self.vm.address
        return Order(
            host=address.host,
            host_key=address.host_key,
            key_file=facts()["deploy_key"],
            version=version,
            digest=good_image(version).digest,
            run_id=run_id,
            caddyfile=f"# {version}\n{CADDYFILE}",
            wait_s=FREE_AGAIN_S,
            **more,
        )

    @contextmanager
    def deploying(self, order: Order) -> Generator[Deploying]:
        """Deploy in a process of its own; it is gone afterwards."""
        log = self.logs / f"{order.run_id}-{next(self.numbers)}.log"
        with (
            log.open("w") as out,
            subprocess.Popen(
                (sys.executable, "-m", "tests.rehearsal.faults.deploying"),
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True,
            ) as process,
        ):  # fmt: skip
            assert process.stdin is not None
            process.stdin.write(render(order) + "\n")
            process.stdin.flush()
            try:
                yield Deploying(process, log)
            finally:
                process.kill()

    def deploy(self, order: Order) -> Told:
        """Deploy in this process and return what it came to."""
        with (self.logs / f"{order.run_id}-{next(self.numbers)}.log").open("w") as log:
            return deploy(order, lambda text: print(text, file=log, flush=True))

    @contextmanager
    def stopped(self, order: Order) -> Generator[Deploying]:
        """Deploy as far as the order's stop, where the host waits for `go_on`, or to its end."""
        self.run("rm", "-f", AT)
        self.run("touch", HELD)
        try:
            with self.deploying(order) as one:
                wait_until(
                    lambda: one.process.poll() is not None or self.succeeds("test", "-e", AT),
                    f"step {order.before} of {one.log}",
                    timeout_s=LIMIT_S,
                )
                yield one
        finally:
            self.go_on()

    def go_on(self) -> None:
        """Let the host leave the stop."""
        self.run("rm", "-f", HELD)

    def succeeds(self, *words: str) -> bool:
        """Return whether a command inside ends with status zero."""
        return self.vm.machine.succeeds(*words)


@dataclass(slots=True)
class Deploying:
    """A deploy in a process of its own."""

    process: subprocess.Popen[str]
    log: Path

    def end(self) -> Told:
        """Wait for its end and return what it came to."""
        killer = threading.Timer(LIMIT_S, self.process.kill)
        killer.start()
        try:
            out, _ = self.process.communicate()
        finally:
            killer.cancel()
        return parse_told(out)


@contextmanager
def serving_target(name: str = "faults", address: str = "10.77.0.70") -> Generator[Target]:
    """Yield a VM on which the third release serves, under load."""
    with bare_vm(name, address) as vm, tempfile.TemporaryDirectory() as folder:
        wait_until(lambda: vm.machine.succeeds("docker", "info"), "the engine's first start")
        vm.machine.run("sh", "-euc", _DISK)
        wait_until(lambda: vm.machine.succeeds("docker", "info"), "the engine on its own disk")
        with Host(vm.address) as host:
            prepare(host)
        target = Target(vm, Path(folder))
        for version in VERSIONS:
            told = target.deploy(target.order(version, f"first-{version[:1]}"))
            assert told.again == "nothing to do", told
        with load_on(f"http://{address}", BETWEEN_S) as load:
            target.load = load
            yield target
