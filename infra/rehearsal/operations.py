"""The rehearsed operations machine: Prefect as infra/prefect/compose.yml has it.

It is a machine of its own in a world that stands. Where it was asked for, the world's runs go
through it, and Prefect's server and worker do not run as programs beside the tests.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.rehearsal import facts, machines, prepared
from infra.rehearsal.shell import timed, wait_until

if TYPE_CHECKING:
    from infra.rehearsal.machines import Machine
    from infra.rehearsal.paths import Rehearsal

MACHINE: Final = "operations"
CHECKOUT: Final = "/opt/trovella-deploy"
FOLDER: Final = f"{CHECKOUT}/infra/prefect"
SECRETS: Final = "/etc/prefect"
BACKUPS: Final = "/var/backups/prefect"
PREPARED: Final = "prepared:rehearsal"
UP: Final = "docker compose build --quiet && docker compose up --detach --wait --quiet-pull"
PARTS: Final = ("bin", "blocks", "deployments", "flows", "infra/prefect", "rollout", "tasks")
FILES: Final = ("infra/python.sh", "prefect.yaml", "pyproject.toml", "requirements.lock")
ADDED: Final = ("prefect.yml", "prefect.grown.yml")
FORM: Final = f"compose.yml:{ADDED[0]}"
GROWN_FORM: Final = f"compose.yml:compose.grown.yml:{':'.join(ADDED)}"


def operations(rehearsal: Rehearsal) -> Machine:
    """Return the operations machine: a fresh VM that has a checkout and the builder's socket."""
    vm = machines.fresh_vm(rehearsal, MACHINE, facts.OPERATIONS)
    binds = (
        (vm.state / "checkout", CHECKOUT),
        (vm.state / "prepared", "/srv/prepared"),
        *((seen, f"/srv/{name.lower()}") for name, seen in prepared.mounted(rehearsal).items()),
        (rehearsal.machine("builder") / "shared", "/srv/builder"),
    )
    return replace(vm, binds=(*vm.binds, *binds))


def stand_up(rehearsal: Rehearsal) -> Machine:
    """Stand the machine up in a world whose images are there, as docs/operations.md says."""
    machine = operations(rehearsal)
    if not (machine.state / "checkout").exists():
        _check_out(rehearsal, machine.state / "checkout")
    machine.up()
    wait_until(lambda: machine.succeeds("docker", "version"), f"the engine of {machine.name}")
    if not machine.succeeds("docker", "image", "inspect", PREPARED):
        with timed("operations: what its image begins with"):
            prepared.prepare(rehearsal, machine.state / "prepared")
            machine.run("docker", "build", "--quiet", "--tag", PREPARED, "/srv/prepared")
            prepared.forget(machine.state / "prepared")
    with timed("operations: server, database, worker, backups and TLS"):
        machine.run("sh", "-euc", f"{FOLDER}/make-secrets; cd {FOLDER}; {UP}")
    return machine


def compose(machine: Machine, words: str) -> str:
    """Run `docker compose` on the machine as a person there does, and return what it wrote."""
    return machine.run("sh", "-euc", f"cd {FOLDER}; docker compose {words}")


def back_up(machine: Machine) -> str:
    """Make a backup now, as before an upgrade, and return its path on the machine."""
    made = compose(machine, "exec -T backup sh /backup now").strip()
    return f"{BACKUPS}/{Path(made).name}"


def lose(machine: Machine) -> None:
    """Kill everything and remove every volume: what is left is the checkout, secrets, backups."""
    compose(machine, "kill")
    compose(machine, "down --volumes")


def grow(machine: Machine) -> None:
    """Let it be the growing form from its next start on."""
    _write_settings(machine.rehearsal, machine.state / "checkout", GROWN_FORM)


def restore(machine: Machine, backup: str) -> None:
    """Make the database what a backup holds; everything runs afterwards.

    Raises:
        RehearsalError: the backup cannot be read; what ran before runs still.
    """
    machine.run(f"{FOLDER}/restore", backup)


def login(machine: Machine) -> str:
    """Return the login of the server, as `user:password`."""
    return machine.run("cat", f"{SECRETS}/prefect-auth")


def write_profile(machine: Machine, home: Path) -> None:
    """Let Prefect's clients with that home log in; no command line shows the password.

    Args:
        machine: the operations machine, which stands.
        home: their `PREFECT_HOME`, which is there.
    """
    profile = home / "profiles.toml"
    profile.touch(mode=0o600)
    lines = (
        'active = "operations"',
        "[profiles.operations]",
        f'PREFECT_API_URL = "{facts.OPERATIONS_API}"',
    )
    text = "\n".join((*lines, f'PREFECT_API_AUTH_STRING = "{login(machine)}"', ""))
    profile.write_text(text, encoding="utf-8")


def _check_out(rehearsal: Rehearsal, folder: Path) -> None:
    """Copy what a clone would hold of the pipeline, and the settings of this machine."""
    unwanted = shutil.ignore_patterns("__pycache__", ".env")
    for part in PARTS:
        shutil.copytree(rehearsal.checkout / part, folder / part, ignore=unwanted)
    for name in FILES:
        shutil.copy2(rehearsal.checkout / name, folder / name)
    for name in ADDED:
        shutil.copy2(Path(__file__).with_name(name), folder / "infra/prefect" / name)
    _write_settings(rehearsal, folder, FORM)


def _write_settings(rehearsal: Rehearsal, folder: Path, form: str) -> None:
    """Write what a person writes into `.env`, and what the added files ask for."""
    settings = {
        "PREFECT_NAME": facts.OPERATIONS_NAME,
        "PREFECT_PREPARED": PREPARED,
        "COMPOSE_FILE": form,
        **{name: str(seen) for name, seen in prepared.mounted(rehearsal).items()},
    }
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    (folder / "infra/prefect/.env").write_text(lines, encoding="utf-8")
