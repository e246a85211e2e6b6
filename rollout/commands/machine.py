"""Commands that look at a bare machine and prepare it.

Everything here works before the application's directory exists and before the login may use the
engine, so it goes through sudo where it must.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from rollout.model.command import Command, script
from rollout.model.host import MachineFacts

SETTINGS_INVALID = 73
ENGINE_STILL_DOWN = 74
ENGINE_START_S = 30

# Lines of a word and its value; a value that may hold line ends is base64.
_READ = """\
# read the machine
printf 'user %s\\n' "$(id -un)"
printf 'groups %s\\n' "$(id -Gn)"
sudo -n true 2>/dev/null && echo 'sudo yes'
command -v docker >/dev/null && echo 'docker yes'
printf 'engine %s\\n' "$(sudo -n docker version --format '{{.Server.Version}}' 2>/dev/null)"
printf 'compose %s\\n' "$(docker compose version --short 2>/dev/null)"
printf 'running %s\\n' "$(sudo -n docker ps --quiet 2>/dev/null | wc -l)"
printf 'containers %s\\n' "$(sudo -n docker ps --all --quiet 2>/dev/null \\
    --filter "label=com.docker.compose.project=$2" | wc -l)"
printf 'serving %s\\n' "$(sudo -n docker ps --quiet 2>/dev/null \\
    --filter "label=com.docker.compose.project=$2" \\
    --filter "label=com.docker.compose.service=$3" | wc -l)"
[ -f /etc/docker/daemon.json ] && printf 'settings %s\\n' "$(base64 -w 0 /etc/docker/daemon.json)"
[ -d "$1" ] && printf 'directory %s\\n' "$(stat -c '%a %U' "$1")"
for place in "$1" "$(dirname "$1")" /var/lib/docker; do
    df -B 1 --output=avail "$place" 2>/dev/null | sed -n '2s/^ */free /p'
done
exit 0
"""

_SETTINGS = f"""\
# replace the engine's settings
mkdir -p /etc/docker
cat >/etc/docker/daemon.json.tmp
dockerd --validate --config-file /etc/docker/daemon.json.tmp || exit {SETTINGS_INVALID}
mv /etc/docker/daemon.json.tmp /etc/docker/daemon.json
"""

_RESTART = f"""\
# restart the engine and wait for it
service docker restart >/dev/null
deadline=$(($(date +%s) + $1))
until docker version >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$deadline" ] || exit {ENGINE_STILL_DOWN}
    sleep 0.2
done
"""


def read_machine_command(directory: str, project: str, service: str) -> Command:
    """Return the command that reads what `parse_machine` understands.

    Args:
        directory: The application's directory; it need not exist.
        project: The application's compose project.
        service: The service that answers requests, as the compose file names it.
    """
    # Not `script`: a missing program is a fact here, not an end.
    return Command(("sh", "-c", _READ, "sh", directory, project, service), changes=False)


def parse_machine(stdout: str) -> MachineFacts:
    """Return the facts of a machine from what `read_machine_command` wrote."""
    lines = [line.partition(" ") for line in stdout.splitlines()]
    said = {word: value for word, _, value in lines}
    free = [int(value) for word, _, value in lines if word == "free"]
    mode, _, owner = said.get("directory", "").partition(" ")
    return MachineFacts(
        user=said.get("user", ""),
        groups=tuple(said.get("groups", "").split()),
        sudo=said.get("sudo") == "yes",
        engine=said.get("engine", "").strip(),
        docker=said.get("docker") == "yes",
        compose=said.get("compose", "").strip(),
        running=int(said.get("running") or 0),
        containers=int(said.get("containers") or 0),
        serves=int(said.get("serving") or 0) > 0,
        settings=b64decode(said.get("settings", "")).decode(errors="replace"),
        owner=owner,
        mode=mode,
        free_bytes=min(free, default=0),
    )


def make_directory_command(directory: str, user: str, mode: str) -> Command:
    """Return the command that makes a directory belong to a user, whether it exists or not."""
    return Command(
        ("sudo", "-n", "install", "--directory", "--owner", user, "--mode", mode, directory)
    )


def join_docker_group_command(user: str) -> Command:
    """Return the command that lets a user talk to the engine, from its next session on."""
    return Command(("sudo", "-n", "usermod", "--append", "--groups", "docker", user))


def write_engine_settings_command(settings: dict[str, Any]) -> Command:
    """Return the command that replaces the engine's settings once the engine accepts them."""
    return Command(
        ("sudo", "-n", *script(_SETTINGS)),
        stdin=json.dumps(settings, indent=2, sort_keys=True) + "\n",
        meanings={SETTINGS_INVALID: "the engine does not accept these settings"},
    )


def restart_engine_command() -> Command:
    """Return the command that restarts the engine and waits until it answers."""
    return Command(
        ("sudo", "-n", *script(_RESTART, str(ENGINE_START_S))),
        timeout_s=90,
        meanings={ENGINE_STILL_DOWN: f"the engine did not answer within {ENGINE_START_S} s"},
    )
