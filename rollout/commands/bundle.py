"""Reads what explains a refused release, all of it in one round trip and within a bound."""

from __future__ import annotations

from base64 import b64decode

from rollout.model.bundle import Bundle, ContainerEvidence
from rollout.model.command import Command, bash_script

# A stack has five containers, and a stopped one for each kept release.
MOST_CONTAINERS = 12
LOG_LINES = 60
PART_BYTES = 8 * 1024
TIMEOUT_S = 15.0
# Words of a line about a container, and of any other.
_OF_CONTAINER, _OF_REST = 4, 2

_READ = """\
# read what explains a refused release
part() { tail -c "$bytes" | base64 -w 0; }
bytes=$4
ids=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$1" | head -n "$3")
for id in $ids; do
    name=$(docker inspect --format '{{.Name}}' "$id") || continue
    printf 'container %s %s ' "${name#/}" \\
        "$(docker inspect --format '{{json .State}}' "$id" | part)"
    docker logs --timestamps --tail "$5" "$id" 2>&1 | part
    echo
done
proxy=$(docker ps --quiet --filter "label=com.docker.compose.project=$1" \\
    --filter "label=com.docker.compose.service=$2" | head -n 1)
[ -z "$proxy" ] || printf 'proxy %s\\n' "$(docker logs --since 30m "$proxy" 2>&1 |
    grep -E '"level":"(warn|error|fatal|panic)"' | tail -n "$5" | part)"
printf 'machine %s\\n' "$({ df -h / /var/lib/docker; free -m; uptime; } 2>&1 | part)"
"""


def bundle_command(project: str, proxy: str) -> Command:
    """Return the command that reads what `parse_bundle` understands.

    Args:
        project: The compose project.
        proxy: The compose service that runs Caddy.
    """
    bounds = (str(MOST_CONTAINERS), str(PART_BYTES), str(LOG_LINES))
    words = bash_script(_READ, project, proxy, *bounds)
    return Command(words, timeout_s=TIMEOUT_S, changes=False)


def parse_bundle(stdout: str) -> Bundle:
    """Return what a host says, from what `bundle_command` wrote; a torn line is left out."""
    containers: list[ContainerEvidence] = []
    texts = {"proxy": "", "machine": ""}
    for line in stdout.splitlines():
        words = line.split(" ")
        if words[0] == "container" and len(words) == _OF_CONTAINER:
            containers.append(ContainerEvidence(words[1], _text(words[2]), _text(words[3])))
        elif words[0] in texts and len(words) == _OF_REST:
            texts[words[0]] = _text(words[1])
    return Bundle(tuple(containers), texts["proxy"], texts["machine"])


def _text(packed: str) -> str:
    return b64decode(packed).decode(errors="replace")
