"""Staging beside the rehearsed production: a second host, a second database, secrets of its own.

It is stood up in a world that stands, and only where somebody asks for it: other worlds do without
its machine. It shares the registry, the engine that builds and Prefect, as in Google's cloud.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from infra.rehearsal import cloud_machine, facts, machines, world
from infra.rehearsal.documents import changing
from infra.rehearsal.shell import timed, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from infra.rehearsal.paths import Rehearsal

PROJECT: Final = "trovella-staging"
PUBLIC_URL: Final = "https://staging.trovella.ai"
DATABASE_NAME: Final = "trovella_staging"
DATABASE_ROLE: Final = "trovella-staging"
MACHINE: Final = "staging"
ENVIRONMENT: Final = "rehearsal-staging"

# Both once: psql runs the statements that the first ones write.
_SCRIPT = """
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


def stand_up(rehearsal: Rehearsal) -> Path:
    """Stand staging up in a world that stands, as far as it is not, and return its facts' file.

    The file says of staging what `world.json` says of production.
    """
    with timed("staging: host, database, secrets"):
        vm = machines.fresh_vm(rehearsal, MACHINE, facts.STAGING)
        vm.up()
        password = _password(rehearsal)
        _make_database(rehearsal, password)
        _fill_secrets(rehearsal, password)
        wait_until(lambda: vm.succeeds("docker", "version"), f"the engine of {vm.name}")
    told = describe(rehearsal, password)
    file = facts_file(rehearsal)
    file.touch(mode=0o600)
    file.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return file


def facts_file(rehearsal: Rehearsal) -> Path:
    """Return where staging's facts are written to."""
    return rehearsal.state / "staging.json"


def describe(rehearsal: Rehearsal, password: str) -> dict[str, Any]:
    """Return what `staging.json` says: `world.json`, with what is staging's own."""
    known: dict[str, Any] = json.loads(rehearsal.world.read_text(encoding="utf-8"))
    server = f"{facts.DATABASE}:5432/{DATABASE_NAME}"
    admin = str(known["database_admin_url"]).rpartition("/")[0]
    vm = machines.fresh_vm(rehearsal, MACHINE, facts.STAGING)
    return {
        **known,
        "host_address": facts.STAGING,
        "host_key": machines.host_key(vm),
        "public_url": PUBLIC_URL,
        "secrets_project": PROJECT,
        "database_admin_url": f"{admin}/{DATABASE_NAME}",
        "database_url": f"postgresql://{DATABASE_ROLE}:{password}@{server}",
    }


def _password(rehearsal: Rehearsal) -> str:
    """Return the password of staging's database role; it follows from the world's own texts."""
    production = cloud_machine.ensure_passwords(rehearsal).application
    return hashlib.sha256(f"staging {production}".encode()).hexdigest()[:40]


def _make_database(rehearsal: Rehearsal, password: str) -> None:
    """Make role and database on the server that production's database is on, unless they are."""
    words = {"role": DATABASE_ROLE, "name": DATABASE_NAME, "password": password}
    # On standard input, where `ps` does not show the password.
    script = "".join(f"\\set {name} '{text}'\n" for name, text in words.items()) + _SCRIPT
    world.standing(rehearsal, "cloud").run(
        *("setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"),
        *("/usr/lib/postgresql/17/bin/psql", "--host", "/srv/postgres/cloud-sql", "--quiet"),
        *("--set", "ON_ERROR_STOP=1"),
        stdin=script,
    )


def _fill_secrets(rehearsal: Rehearsal, password: str) -> None:
    """Give staging's project the application's secrets, unless it has them."""
    values = {
        **facts.secret_values(cloud_machine.ensure_passwords(rehearsal)),
        "database-url": f"postgresql://{DATABASE_ROLE}:{password}"
        f"@cloud-sql-proxy:5432/{DATABASE_NAME}",
        "better-auth-url": PUBLIC_URL,
    }
    store = rehearsal.state / "google" / "secrets.json"
    with changing(store) as document:
        for name, value in values.items():
            versions = [{"state": "ENABLED", "value": value}]
            document["secrets"].setdefault(f"projects/{PROJECT}/secrets/trovella-{name}", versions)
