"""Commands that look at a host where something failed: read-only, bounded, one round trip.

What they write are lines of a word and its value; text that may hold line ends is base64. A part
that cannot be read is left out: what is seen is evidence, and no evidence is no error.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rollout.model.command import Command, bash_script
from rollout.model.seen import ComposeCheck, ContainerSeen, HostSeen, Room

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.model.command import Result
    from rollout.model.layout import Layout

TIMEOUT_S = 25.0
LINES = 20
"""How many of a container's, or a program's, last lines are shown beside what failed."""
HOST_LINES = 60
"""How many of each container's last lines are read when the host is looked at."""
MOST_CONTAINERS = 12
"""A stack has five containers, and a stopped one for each kept release."""
PART_BYTES = 8 * 1024
NOT_SHOWN = "not shown: the secrets to hide in it could not be read"
SHOW_CONTAINER = "show a container's state, its last lines, and how its health path answers"
"""First line of the script in `compose` whose answer `parse_container` reads."""

# Who listens is asked of the kernel through sudo, where that is allowed; Docker's own listeners are
# containers, which are shown by themselves.
_LOOK = """\
# look at a host where something failed
directory=$1 project=$2 lines=$3 most=$5 proxy=$6 bytes=$7
printf 'clock %s\\n' "$EPOCHREALTIME"
engine='{{.Server.Version}} {{.Server.Arch}}'
# A login that is not in the group `docker` yet has to ask through sudo.
printf 'engine %s\\n' "$(timeout 4 docker version --format "$engine" 2>/dev/null ||
    sudo -n timeout 4 docker version --format "$engine" 2>/dev/null)"
for place in "$directory" "$directory/releases" /var/lib/docker /dev/shm; do
    df --output=avail,iavail,itotal -B 1 "$place" 2>/dev/null |
        sed -n "2s|\\$| $place|; 2s/^ */room /p"
done
sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/memory \\1/p' /proc/meminfo
{ sudo -n ss -H -l -t -n -p 2>/dev/null || ss -H -l -t -n; } | sed 's/^/listen /'
ids=$(timeout 4 docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \\
    --filter label=com.docker.compose.oneoff=False 2>/dev/null | head -n "$most")
for id in $ids; do
    timeout 4 docker inspect --format "container $4" "$id"
    printf 'lines %s\\n' "$(timeout 4 docker logs --tail "$lines" "$id" 2>&1 |
        tail -c "$bytes" | base64 --wrap=0)"
done
id=$(timeout 4 docker ps --quiet --filter "label=com.docker.compose.project=$project" \\
    --filter "label=com.docker.compose.service=$proxy" 2>/dev/null | head -n 1)
[ -z "$id" ] || printf 'proxy %s\\n' "$(timeout 4 docker logs --since 30m "$id" 2>&1 |
    grep -E '"level":"(warn|error|fatal|panic)"' | tail -n "$lines" |
    tail -c "$bytes" | base64 --wrap=0)"
number=$(find "$directory/releases" -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\\n' \\
    2>/dev/null | sort -n | tail -n 1)
[ -n "$number" ] || exit 0
folder=$directory/releases/$number
[ ! -f "$folder/release.json" ] || printf 'newest %s\\n' "$(base64 -w 0 "$folder/release.json")"
[ ! -f "$directory/current/release.json" ] ||
    printf 'current %s\\n' "$(base64 -w 0 "$directory/current/release.json")"
config() {
    timeout 8 docker compose --project-name "$project" --project-directory "$directory" \\
        --file "$folder/docker-compose.prod.yml" --env-file "$folder/.env" config --quiet "$@"
}
config --no-interpolate >/dev/null 2>&1
plain=$?
said=$(config 2>&1 >/dev/null)
printf 'compose %s %s %s %s\\n' "$?" "$plain" "$folder/docker-compose.prod.yml" \\
    "$(printf %s "$said" | tail -n 5 | base64 --wrap=0)"
exit 0
"""
_CONTAINER = (
    '{"service": {{json (index .Config.Labels "com.docker.compose.service")}}, '
    '"state": {{json .State}}}'
)
_KIB = 1024
_ANSWERED = re.compile(r"GET \S+ is answered with\Z")
_DOCKERS_OWN = ("docker-proxy", "dockerd")


def look_at_host_command(layout: Layout, project: str, proxy: str) -> Command:
    """Return the command that looks at what a failure on a host may come from.

    Args:
        layout: The application's directory.
        project: The compose project.
        proxy: The compose service that runs Caddy.
    """
    bounds = (str(MOST_CONTAINERS), proxy, str(PART_BYTES))
    words = (layout.directory, project, str(HOST_LINES), _CONTAINER, *bounds)
    return Command(bash_script(_LOOK, *words), timeout_s=TIMEOUT_S, changes=False)


def parse_host_look(stdout: str, now_s: float) -> HostSeen:
    """Return what `look_at_host_command` has seen.

    Args:
        stdout: What it wrote.
        now_s: The worker's clock when it was asked, in seconds since 1970.
    """
    pairs = [
        (word, value) for word, _, value in (line.partition(" ") for line in stdout.splitlines())
    ]
    said = dict(pairs)
    engine, _, architecture = said.get("engine", "").strip().partition(" ")
    clock, memory = said.get("clock", ""), said.get("memory", "")
    return HostSeen(
        engine=engine,
        architecture=architecture,
        rooms=tuple(_room(value) for word, value in pairs if word == "room"),
        memory_available_bytes=int(memory) * _KIB if memory else None,
        clock_ahead_s=float(clock.replace(",", ".")) - now_s if clock else None,
        listeners=tuple(_listeners(value for word, value in pairs if word == "listen")),
        containers=tuple(_containers(pairs)),
        proxy=_lines(said.get("proxy", "")),
        compose=_compose(said.get("compose", "")),
        schema_ahead=_ahead(said.get("newest", ""), said.get("current", "")),
    )


def parse_container(result: Result, service: str = "") -> ContainerSeen | None:
    """Return the container that a failed step's evidence shows.

    Args:
        result: What a command answered; any command.
        service: The compose service, when it is known.

    Returns:
        None when the command was another one, there is no container, or its state is no JSON.
    """
    if not result.ok or not any(
        word.startswith(f"# {SHOW_CONTAINER}") for word in result.command.argv
    ):
        return None
    state, facts, *lines = [*result.stdout.splitlines(), "", ""]
    try:
        container = _from_state(service, json.loads(state), _own_lines(lines))
        return _with_facts(container, json.loads(facts) if facts.startswith("{") else {})
    except ValueError:
        # A mask may have hidden a number that is a part of a secret: then it is no JSON any more.
        return None


def without_lines(result: Result) -> Result:
    """Return an answer without what programs wrote, and say that it is left out.

    For where nothing can hide a secret in it. How a container stands is the engine's own word, and
    stays.

    Args:
        result: What a command answered; any command.
    """
    said = NOT_SHOWN if result.stdout else ""
    if parse_container(result):
        state, facts, *_ = [*result.stdout.splitlines(), ""]
        said = "\n".join((_without_output(state), facts, NOT_SHOWN))
    return replace(result, stdout=said, stderr=NOT_SHOWN if result.stderr else "")


def _without_output(state: str) -> str:
    said: dict[str, Any] = json.loads(state)
    health: dict[str, Any] = said.get("Health") or {}
    return json.dumps({**said, "Health": {**health, "Log": []}})


def _own_lines(lines: list[str]) -> tuple[str, ...]:
    """Return what the container wrote, without how its health path answers, which comes last."""
    ends = [n for n, line in enumerate(lines) if _ANSWERED.match(line)]
    return tuple(filter(None, lines[: ends[-1]] if ends else lines))


def _with_facts(container: ContainerSeen, facts: dict[str, Any]) -> ContainerSeen:
    heads = str(facts.get("answer", "")).split()
    status = next((word for word in heads[1:2] if word.isdigit()), "")
    location = next((b for a, b in pairwise(heads) if a == "location:"), "")
    died = str(facts.get("died", "")).split()
    codes = [int(word) for word in died if word.isdigit()]
    return ContainerSeen(
        service=container.service,
        status=container.status,
        exit_code=container.exit_code or (codes[-1] if codes else 0),
        oom_killed=container.oom_killed or "oom" in died,
        error=container.error,
        health=container.health,
        health_output=container.health_output,
        lines=container.lines[-LINES:],
        built_for=str(facts.get("built_for", "")),
        runs_on=str(facts.get("runs_on", "")),
        listens=tuple(sorted({int(port) for port in str(facts.get("listens", "")).split()})),
        http_status=int(status) if status else None,
        location=location,
    )


def _from_state(service: str, state: dict[str, Any], lines: tuple[str, ...]) -> ContainerSeen:
    health: dict[str, Any] = state.get("Health") or {}
    log: list[dict[str, Any]] = health.get("Log") or []
    return ContainerSeen(
        service=service,
        status=str(state.get("Status", "")),
        exit_code=int(state.get("ExitCode", 0)),
        oom_killed=bool(state.get("OOMKilled")),
        error=str(state.get("Error", "")),
        health=str(health.get("Status", "")),
        health_output=" ".join(str(log[-1].get("Output", "")).split()) if log else "",
        lines=lines,
    )


def _room(text: str) -> Room:
    free, files, of_files, place = text.split(maxsplit=3)
    limited = of_files.isdigit() and int(of_files) > 0
    return Room(place, int(free), int(files) if limited else None)


def _listeners(lines: Iterable[str]) -> Iterable[tuple[int, str]]:
    """Yield port and program of what `ss` lists, without Docker's own."""
    for line in lines:
        words = line.split()
        port = words[3].rpartition(":")[2]
        who = line.partition('users:(("')[2].partition('"')[0]
        if port.isdigit() and who not in _DOCKERS_OWN:
            yield int(port), who or "a program that may not be seen"


def _containers(pairs: list[tuple[str, str]]) -> Iterable[ContainerSeen]:
    for (word, value), (_, text) in zip(pairs, [*pairs[1:], ("", "")], strict=True):
        if word == "container":
            said: dict[str, Any] = json.loads(value)
            yield _from_state(str(said["service"]), said["state"], _lines(text))


def _lines(packed: str) -> tuple[str, ...]:
    return tuple(b64decode(packed).decode(errors="replace").splitlines())


def _compose(text: str) -> ComposeCheck | None:
    if not text:
        return None
    code, plain, file, *said = text.split(" ")
    lines = b64decode("".join(said)).decode(errors="replace").splitlines()
    return ComposeCheck(file, int(code), int(plain), tuple(lines))


def _ahead(newest: str, current: str) -> tuple[str, ...]:
    """Return the migrations that the newest release knows and the current one does not."""
    if not newest or not current:
        return ()
    known = _migrations(current)
    return tuple(tag for tag in _migrations(newest) if tag not in known)


def _migrations(release: str) -> tuple[str, ...]:
    said: dict[str, Any] = json.loads(b64decode(release))
    return tuple(map(str, said.get("migrations", ())))
