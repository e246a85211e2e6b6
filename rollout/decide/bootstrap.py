"""Decides what a machine lacks before a release can be put on it.

A fresh VM with an engine is enough: the directory, the login's right to use the engine and the
engine's settings are ours to give. An engine is not: installing or upgrading one under running
containers is a decision for people.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from rollout.commands.machine import (
    join_docker_group_command,
    make_directory_command,
    restart_engine_command,
    write_engine_settings_command,
)
from rollout.model.finding import Finding, Refuse
from rollout.model.plan import Plan, Step

if TYPE_CHECKING:
    from rollout.config import Application
    from rollout.model.host import MachineFacts

OLDEST_ENGINE = (25, 0)
"""The first with `start_interval` in health checks.

Source: https://docs.docker.com/engine/release-notes/25.0/ (read 2026-11).
"""
OLDEST_COMPOSE = (2, 24)
"""The first that reads every form of `env_file` that compose files have today."""
NEEDED_FREE_BYTES = 2 * 1024**3
"""An image of a Next.js application and its unpacked layers, twice, with room for logs."""
DIRECTORY_MODE = "750"

# Kept in small files, because a full disk stops pulls first and then the application.
_LOG_DRIVER = "json-file"
_LOG_OPTIONS = {"max-size": "10m", "max-file": "5"}
_BYTES_PER_MIB = 1024**2


def decide_bootstrap(
    facts: MachineFacts,
    application: Application,
    user: str,
    *,
    needed_free_bytes: int = NEEDED_FREE_BYTES,
) -> Plan | Refuse:
    """Return what prepares a machine, or why it cannot be used.

    Args:
        facts: What was read of the machine.
        application: Names the directory.
        user: The login that deploys.
        needed_free_bytes: How much space an activation may need, in bytes.

    Returns:
        A plan, empty when nothing is missing. When one of its steps let the user join the group
        `docker`, that holds from the next SSH session on.
    """
    findings = (*_missing(facts, user), *_too_little(facts, needed_free_bytes))
    if findings:
        return Refuse(findings)
    steps = (
        *_directory(facts, application.directory, user),
        *_group(facts, user),
        *_settings(facts),
    )
    return Plan(steps, before="The host runs what it ran before.")


def _missing(facts: MachineFacts, user: str) -> tuple[Finding, ...]:
    """Return what people must see to; only the first, because each hides the ones after it."""
    if not facts.sudo:
        return (
            Finding(
                "sudo-without-password",
                f"{user} may not use sudo without a password",
                "/etc/sudoers.d",
                f"Give {user} `NOPASSWD: ALL`, as Google's guest agent does.",
            ),
        )
    if not facts.docker:
        return (
            Finding(
                "engine-installed",
                "there is no docker program",
                "the host's packages",
                "Install Docker Engine 25 or later with its compose plugin.",
            ),
        )
    if not facts.engine:
        return (
            Finding(
                "engine-running",
                "the Docker engine does not answer",
                "dockerd",
                "Run `sudo service docker start` on the host and read its log.",
            ),
        )
    return _too_old(facts)


def _too_old(facts: MachineFacts) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for rule, name, version, oldest in (
        ("engine-version", "Docker engine", facts.engine, OLDEST_ENGINE),
        ("compose-version", "compose plugin", facts.compose, OLDEST_COMPOSE),
    ):
        if not version:
            found.append(
                Finding(rule, f"there is no {name}", "docker", "Install the compose v2 plugin.")
            )
        elif _version(version) < oldest:
            needed = ".".join(map(str, oldest))
            found.append(
                Finding(
                    rule,
                    f"the {name} is {version}; {needed} or later is needed",
                    "docker",
                    f"Upgrade the {name} in a maintenance window.",
                )
            )
    return tuple(found)


def _too_little(facts: MachineFacts, needed_bytes: int) -> tuple[Finding, ...]:
    if facts.free_bytes >= needed_bytes or not facts.engine:
        return ()
    free, needed = facts.free_bytes // _BYTES_PER_MIB, needed_bytes // _BYTES_PER_MIB
    return (
        Finding(
            "free-disk",
            f"{free} MiB are free on the host; {needed} MiB are needed",
            "/var/lib/docker or the application's directory",
            "Free some with `docker image prune --all --filter until=720h`, or grow the disk.",
        ),
    )


def _directory(facts: MachineFacts, directory: str, user: str) -> tuple[Step, ...]:
    if facts.owner == user and facts.mode == DIRECTORY_MODE:
        return ()
    command = make_directory_command(directory, user, DIRECTORY_MODE)
    return (Step(f"make {directory} belong to {user}", command),)


def _group(facts: MachineFacts, user: str) -> tuple[Step, ...]:
    if "docker" in facts.groups or user == "root":
        return ()
    return (Step(f"let {user} use the engine", join_docker_group_command(user)),)


def _settings(facts: MachineFacts) -> tuple[Step, ...]:
    """Return the steps for the engine's settings.

    The engine is restarted only when nothing runs; else the settings wait for its next start.
    """
    there = _parsed(facts.settings)
    if there is None:
        # Not ours to repair: the engine runs, and somebody wrote this on purpose.
        return ()
    wanted = _with_ours(there)
    if wanted == there:
        return ()
    write = Step("write the engine's settings", write_engine_settings_command(wanted))
    if facts.running:
        return (write,)
    return (write, Step("restart the engine", restart_engine_command()))


def _parsed(text: str) -> dict[str, Any] | None:
    """Return the settings that stand there; None when they cannot be read."""
    if not text.strip():
        return {}
    try:
        settings: object = json.loads(text)
    except json.JSONDecodeError:
        return None
    return cast("dict[str, Any]", settings) if isinstance(settings, dict) else None


def _with_ours(there: dict[str, Any]) -> dict[str, Any]:
    """Return settings with ours added; whatever somebody set already stays."""
    wanted = {"live-restore": True, **there}
    if "log-driver" not in there:
        wanted["log-driver"] = _LOG_DRIVER
        wanted.setdefault("log-opts", _LOG_OPTIONS)
    return wanted


def _version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: `26.1.5+dfsg1` is 26, 1, 5."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()
