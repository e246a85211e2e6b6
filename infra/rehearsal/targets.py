"""Targets beside the rehearsed production: hosts, a database and secrets of their own.

Each is stood up in a world that stands, and only where somebody asks for it: other worlds do
without its machines. All share the registry, the engine that builds and Prefect, as in Google's
cloud.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.rehearsal import balancer, cloud_machine, facts, machines, world
from infra.rehearsal.documents import changing
from infra.rehearsal.shell import timed, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from infra.rehearsal.machines import Machine
    from infra.rehearsal.paths import Rehearsal

# Both once: psql runs the statements that the first ones write.
_SCRIPT = """
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A target beside production; what else it is called follows from its name.

    Attributes:
        name: its own, for example `staging`.
        addresses: of its hosts, the first one's first; a balancer stands before several.
    """

    name: str
    addresses: tuple[str, ...]

    @property
    def environment(self) -> str:
        """Return the name of its file in `deployments/`."""
        return f"rehearsal-{self.name}"

    @property
    def project(self) -> str:
        """Return whose secrets its application has; its database's role has the same name."""
        return f"trovella-{self.name}"

    @property
    def database(self) -> str:
        """Return the name of its database."""
        return f"trovella_{self.name}"

    @property
    def public_url(self) -> str:
        """Return what its users call."""
        return f"https://{self.name}.trovella.ai"

    @property
    def is_balanced(self) -> bool:
        """Return whether its public name leads to a balancer."""
        return len(self.addresses) > 1

    def hosts(self, rehearsal: Rehearsal) -> tuple[Machine, ...]:
        """Return its hosts, each off and without a disk unless it was stood up."""
        names = (
            f"{self.name}{number if self.is_balanced else ''}"
            for number in range(1, len(self.addresses) + 1)
        )
        return tuple(
            machines.fresh_vm(rehearsal, name, address)
            for name, address in zip(names, self.addresses, strict=True)
        )

    def facts_file(self, rehearsal: Rehearsal) -> Path:
        """Return where its facts are written to."""
        return rehearsal.state / f"{self.name}.json"


STAGING: Final = Target("staging", (facts.STAGING,))
FLEET: Final = Target("fleet", facts.FLEET)


def stand_up(rehearsal: Rehearsal, target: Target) -> Path:
    """Stand a target up in a world that stands, as far as it is not, and return its facts' file.

    The file says of the target what `world.json` says of production.
    """
    with timed(f"{target.name}: hosts, database, secrets"):
        hosts = target.hosts(rehearsal)
        front = (balancer.balancer(rehearsal),) if target.is_balanced else ()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda machine: machine.up(), (*hosts, *front)))
        password = _password(rehearsal, target)
        _make_database(rehearsal, target, password)
        _fill_secrets(rehearsal, target, password)
        for vm in hosts:
            wait_until(lambda m=vm: m.succeeds("docker", "version"), f"the engine of {vm.name}")
    told = describe(rehearsal, target, password)
    file = target.facts_file(rehearsal)
    file.touch(mode=0o600)
    file.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return file


def remove(rehearsal: Rehearsal, target: Target) -> None:
    """Take a target's machines away, with their disks; its database and secrets stay."""
    front = (balancer.balancer(rehearsal),) if target.is_balanced else ()
    for machine in (*target.hosts(rehearsal), *front):
        machine.remove()


def describe(rehearsal: Rehearsal, target: Target, password: str) -> dict[str, Any]:
    """Return what a target's file says: `world.json`, with what is the target's own."""
    known: dict[str, Any] = json.loads(rehearsal.world.read_text(encoding="utf-8"))
    server = f"{facts.DATABASE}:5432/{target.database}"
    admin = str(known["database_admin_url"]).rpartition("/")[0]
    first, *further = (
        {"host_address": vm.addresses[0], "host_key": machines.host_key(vm)}
        for vm in target.hosts(rehearsal)
    )
    return {
        **known,
        **first,
        "further_hosts": further,
        "public_url": target.public_url,
        "secrets_project": target.project,
        "database_admin_url": f"{admin}/{target.database}",
        "database_url": f"postgresql://{target.project}:{password}@{server}",
    }


def _password(rehearsal: Rehearsal, target: Target) -> str:
    """Return the password of a target's database role; it follows from the world's own texts."""
    production = cloud_machine.ensure_passwords(rehearsal).application
    return hashlib.sha256(f"{target.name} {production}".encode()).hexdigest()[:40]


def _make_database(rehearsal: Rehearsal, target: Target, password: str) -> None:
    """Make role and database on the server that production's database is on, unless they are."""
    words = {"role": target.project, "name": target.database, "password": password}
    # On standard input, where `ps` does not show the password.
    script = "".join(f"\\set {name} '{text}'\n" for name, text in words.items()) + _SCRIPT
    world.standing(rehearsal, "cloud").run(
        *("setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"),
        *("/usr/lib/postgresql/17/bin/psql", "--host", "/srv/postgres/cloud-sql", "--quiet"),
        *("--set", "ON_ERROR_STOP=1"),
        stdin=script,
    )


def _fill_secrets(rehearsal: Rehearsal, target: Target, password: str) -> None:
    """Give a target's project the application's secrets and the build's, unless it has them."""
    values = {
        **facts.secret_values(cloud_machine.ensure_passwords(rehearsal)),
        "database-url": f"postgresql://{target.project}:{password}"
        f"@cloud-sql-proxy:5432/{target.database}",
        "better-auth-url": target.public_url,
    }
    store = rehearsal.state / "google" / "secrets.json"
    with changing(store) as document:
        for name, value in values.items():
            versions = [{"state": "ENABLED", "value": value}]
            held = f"projects/{target.project}/secrets/trovella-{name}"
            document["secrets"].setdefault(held, versions)
