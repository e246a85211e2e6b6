"""Commands about containers: pull, start, wait, ask the proxy, drain, stop, remove.

A release has a compose file of its own in which its web service is called after it, so starting one
release never touches the container of another. Remote scripts answer with reserved statuses, whose
meanings each command carries; nobody reads the engine's English.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rollout.commands.evidence import SHOW_CONTAINER
from rollout.model import layout as names
from rollout.model.command import Command, bash_script, script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.model.command import Secret
    from rollout.model.layout import Layout
    from rollout.model.target import RegistryLogin

LOGIN_REFUSED = 80
PULL_FAILED = 81
STOPPED = 82
UNHEALTHY = 83
NOT_READY_IN_TIME = 84
NO_HEALTH_CHECK = 85
NO_CONTAINER = 86
OTHER_IMAGE = 87
NOT_DRAINED = 88
OTHER_VERSION = 89

PULL_TIMEOUT_S = 600.0
UP_TIMEOUT_S = 300.0
# How long the engine may need beyond a container's own grace period, in seconds.
STOP_TIMEOUT_S = 120.0
LOG_LINES = 50

# The credentials live in memory for as long as the pull takes, and never in the user's home. The
# shell that a signal ends runs no EXIT trap of its own accord: hence the second one. Signals come
# in a row, to the whole group: one that is not ignored by then would end the `rm` as well.
_PULL = f"""\
# pull an image, logged in for this once
DOCKER_CONFIG=$(mktemp -d /dev/shm/pull.XXXXXX)
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
trap 'trap "" HUP TERM; exit 143' HUP TERM
[ -z "$2" ] || docker login --username "$3" --password-stdin "$2" >/dev/null ||
    exit {LOGIN_REFUSED}
docker pull --quiet "$1" || exit {PULL_FAILED}
"""

_UP_OTHERS = """\
# start the other services, where their definition changed
proxy=$1
own=$2
shift 2
services=$("$@" config --services)
others=$(printf '%s\n' "$services" | grep -vxF -e "$proxy" -e "$own") || exit 0
# shellcheck disable=SC2086 # one word a service
exec "$@" up --detach --quiet-pull $others
"""

_FIND = 'docker ps --all --quiet --filter "label=com.docker.compose.project=$1"'
_CONTAINER = f'$({_FIND} --filter "label=com.docker.compose.service=$2")'

_WAIT = f"""\
# wait until a container is healthy
deadline=$(($(date +%s) + $3))
while :; do
    id={_CONTAINER}
    [ -n "$id" ] || exit {NO_CONTAINER}
    case $(docker inspect --format "$4" "$id") in
        'running '*' healthy') exit 0 ;;
        'running '*' none') exit {NO_HEALTH_CHECK} ;;
        'running '*' unhealthy') exit {UNHEALTHY} ;;
        'running 0 '* | 'created '*) ;;
        *) exit {STOPPED} ;;
    esac
    [ "$(date +%s)" -lt "$deadline" ] || exit {NOT_READY_IN_TIME}
    sleep 0.2
done
"""
_STATE = (
    "{{.State.Status}} {{.RestartCount}} "
    "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"
)

_IMAGE_IS = f"""\
# compare what a container runs with an image
id={_CONTAINER}
[ -n "$id" ] || exit {NO_CONTAINER}
runs=$(docker inspect --format '{{{{.Image}}}}' "$id")
[ "$runs" = "$(docker image inspect --format '{{{{.Id}}}}' "$3")" ] || exit {OTHER_IMAGE}
"""

# The engine's network is reached from the host, so nothing has to be in the image. To HTTP/1.0 no
# answer comes in chunks.
_ASK = """\
ask() {
    local networks='{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' address
    read -r address _ <<<"$(docker inspect --format "$networks" "$id")"
    exec 3<>"/dev/tcp/$address/$1" || return
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
    timeout 8 cat <&3 | tr -d '\r'
    exec 3>&-
}
"""

_SAYS_VERSION = f"""\
# compare the version that a container says with the release's
id={_CONTAINER}
[ -n "$id" ] || exit {NO_CONTAINER}
{_ASK}
# Parts of the body may have a version of their own.
said=$(ask "$3" "$4" 2>/dev/null | sed '1,/^$/d' | grep -oE "\\"$5\\" *: *\\"[^\\"]*\\"" |
    cut -d '"' -f 4)
if grep -qxF -- "$6" <<<"$said"; then said=$6; else said=$(head -n 1 <<<"$said"); fi
echo "it says ${{said:-nothing}}"
[ -z "$said" ] || [ "$said" = "$6" ] || exit {OTHER_VERSION}
"""

# The second line is for `evidence.parse_container`: what its engine and the kernel know of it. The
# addresses that the kernel lists are in hexadecimal; 127.0.0.11 is the engine's own resolver.
_EVIDENCE = f"""\
# {SHOW_CONTAINER}
id={_CONTAINER}
[ -n "$id" ] || exit {NO_CONTAINER}
{_ASK}
docker inspect --format '{{{{json .State}}}}' "$id"
read -r pid image <<<"$(docker inspect --format '{{{{.State.Pid}}}} {{{{.Image}}}}' "$id")"
listens=
while read -r port; do
    listens="$listens $((16#$port))"
done < <(cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null |
    awk '$4 == "0A" && $2 !~ /^0B00007F/ {{ sub(/.*:/, "", $2); print $2 }}')
heads=
[ -z "$5" ] || heads=$(ask "$4" "$5" 2>/dev/null | sed '/^$/q' | grep -iE '^(HTTP/|location:)')
# A container that is started again hides what it ended with; the engine's events do not.
died=$(docker events --since 15m --until "$(date +%s.%N)" --filter "container=$id" \
    --filter event=die --filter event=oom \
    --format '{{{{.Action}}}} {{{{index .Actor.Attributes "exitCode"}}}}' 2>/dev/null |
    tail -n 20 | tr '\n' ' ')
printf '{{"died": "%s", "built_for": "%s", "runs_on": "%s", "listens": "%s", "answer": "%s"}}\n' \
    "$died" \
    "$(docker image inspect --format '{{{{.Architecture}}}}' "$image")" \
    "$(docker version --format '{{{{.Server.Arch}}}}')" "$listens" \
    "$(tr '[:upper:]\n' '[:lower:] ' <<<"$heads" | tr -dc '[:alnum:] :/.?&=_%#-')"
docker logs --tail "$3" "$id" 2>&1
[ -z "$heads" ] || printf 'GET %s is answered with\n%s\n' "$5" "$heads"
"""

# The engine's own /proc is read, not the container's: an image need not bring a shell.
# Requests that the proxy sent just before the switch may still be on their way: hence the wait.
_DRAIN = f"""\
# wait until a container has no connection left on its port
pid=$(docker inspect --format '{{{{.State.Pid}}}}' "$1")
[ "$pid" != 0 ] || exit 0
port=$(printf ':%04X' "$2")
deadline=$(($(date +%s) + $3))
sleep 0.5
while :; do
    left=$(cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null |
        awk -v port="$port" '$4 == "01" && substr($2, length($2) - 4) == port {{ n++ }}
            END {{ print n + 0 }}')
    [ "$left" -gt 0 ] || exit 0
    if [ "$(date +%s)" -ge "$deadline" ]; then
        echo "$left connections are still open"
        exit {NOT_DRAINED}
    fi
    sleep 0.2
done
"""


def compose(layout: Layout, project: str, number: int, *words: str) -> tuple[str, ...]:
    """Return the words of a compose command about one release.

    Relative paths in its file are meant from the application's directory, as in production.
    """
    return (
        *("docker", "compose", "--project-name", project),
        *("--project-directory", layout.directory),
        *("--file", layout.compose(number), "--env-file", layout.env(number)),
        *words,
    )


def pull_command(reference: str, login: RegistryLogin | None) -> Command:
    """Return the command that pulls an image, logged in for this once.

    Args:
        reference: The image with its digest.
        login: The registry's login; None pulls without one. Its token travels on standard input.
    """
    host, username = (login.host, login.username) if login else ("", "")
    token: Secret | None = login.token if login else None
    return Command(
        script(_PULL, reference, host, username),
        stdin=token,
        timeout_s=PULL_TIMEOUT_S,
        meanings={
            LOGIN_REFUSED: f"{host} refused the login",
            PULL_FAILED: f"{reference} could not be pulled",
        },
    )


def up_others_command(layout: Layout, project: str, number: int, proxy: str, own: str) -> Command:
    """Return the command that starts all services of a release but its proxy and its own.

    Containers whose definition did not change are left as they are.
    """
    words = compose(layout, project, number)
    return Command(script(_UP_OTHERS, proxy, own, *words), timeout_s=UP_TIMEOUT_S)


def up_command(layout: Layout, project: str, number: int, service: str) -> Command:
    """Return the command that starts one service of a release, where its definition changed.

    Never with `--no-deps`: compose counts what a service depends on as part of its definition, so
    the same service started once with and once without them would be taken for a changed one, and
    a container that serves would be replaced.
    """
    words = ("up", "--detach", "--quiet-pull", service)
    return Command(compose(layout, project, number, *words), timeout_s=UP_TIMEOUT_S)


def up_published_command(layout: Layout, project: str, service: str) -> Command:
    """Return the command that starts a service as the host's well-known files define it.

    They are the former ones until a release is published: this is the way back from an adoption.
    """
    return Command(
        (
            *("docker", "compose", "--project-name", project),
            *("--project-directory", layout.directory),
            *("--file", f"{layout.directory}/{names.COMPOSE}"),
            *("up", "--detach", service),
        ),
        timeout_s=UP_TIMEOUT_S,
    )


def wait_healthy_command(project: str, service: str, timeout_s: float) -> Command:
    """Return the command that waits on the host until a container is healthy.

    Args:
        project: The compose project.
        service: The compose service.
        timeout_s: How long to wait, in seconds; rounded up.
    """
    bound_s = math.ceil(timeout_s)
    return Command(
        script(_WAIT, project, service, str(bound_s), _STATE),
        timeout_s=bound_s + 15,
        changes=False,
        meanings={
            STOPPED: f"{service} stopped",
            UNHEALTHY: f"{service} is unhealthy",
            NOT_READY_IN_TIME: f"{service} did not become healthy within {bound_s} s",
            NO_HEALTH_CHECK: f"{service} has no health check",
            NO_CONTAINER: f"there is no container of {service}",
        },
    )


def image_is_command(project: str, service: str, reference: str) -> Command:
    """Return the command that tells whether a container runs exactly this image."""
    return Command(
        script(_IMAGE_IS, project, service, reference),
        changes=False,
        meanings={
            OTHER_IMAGE: f"{service} does not run {reference}",
            NO_CONTAINER: f"there is no container of {service}",
        },
    )


def says_version_command(
    project: str, service: str, port: int, path: str, key: str, version: str
) -> Command:
    """Return the command that asks a container itself for its version.

    One that says none passes: it is known by its image.

    Args:
        project: The compose project.
        service: The compose service.
        port: The port inside its network.
        path: What to ask for, for example `/api/health`.
        key: The key of the JSON body that names the version.
        version: What it should say.
    """
    return Command(
        bash_script(_SAYS_VERSION, project, service, str(port), path, key, version),
        timeout_s=30,
        changes=False,
        meanings={
            OTHER_VERSION: f"{service} does not say that it is {version}",
            NO_CONTAINER: f"there is no container of {service}",
        },
    )


def container_evidence_command(
    project: str, service: str, port: int = 0, path: str = ""
) -> Command:
    """Return the command that shows a container's state, health log and last lines.

    Args:
        project: The compose project.
        service: The compose service.
        port: The port inside its network.
        path: Its health path: how that is answered is shown too, a redirect for instance; empty
            asks for nothing.
    """
    words = (project, service, str(LOG_LINES), str(port), path)
    return Command(bash_script(_EVIDENCE, *words), timeout_s=30, changes=False)


def validate_caddyfile_command(layout: Layout, project: str, number: int, proxy: str) -> Command:
    """Return the command that asks the proxy's own image whether the staged Caddyfile is good."""
    staged = f"{names.PROXY_MOUNT}/{names.CADDYFILE}.next"
    caddy = ("caddy", "validate", "--adapter", "caddyfile", "--config", staged)
    run = ("run", "--rm", "--no-deps", "--no-TTY", "--quiet-pull", proxy)
    return Command(compose(layout, project, number, *run, *caddy), timeout_s=UP_TIMEOUT_S)


def reload_caddy_command(container: str, file: str) -> Command:
    """Return the command that lets the proxy take a Caddyfile without losing a request.

    Args:
        container: The proxy's container.
        file: The file's name in its folder. One that is no good leaves the proxy as it was.
    """
    config = f"{names.PROXY_MOUNT}/{file}"
    caddy = ("caddy", "reload", "--adapter", "caddyfile", "--config", config)
    return Command(("docker", "exec", container, *caddy))


def drain_command(container: str, port: int, timeout_s: float) -> Command:
    """Return the command that waits until nobody is connected to a container's port.

    Args:
        container: The container's name.
        port: The port inside it.
        timeout_s: How long to wait, in seconds; rounded up.
    """
    bound_s = math.ceil(timeout_s)
    return Command(
        script(_DRAIN, container, str(port), str(bound_s)),
        timeout_s=bound_s + 15,
        changes=False,
        meanings={NOT_DRAINED: f"{container} still had connections after {bound_s} s"},
    )


def start_kept_command(container: str) -> Command:
    """Return the command that starts a container again which was stopped and kept."""
    return Command(("docker", "start", container), timeout_s=UP_TIMEOUT_S)


def stop_command(container: str) -> Command:
    """Return the command that stops a container and keeps it, so that it can be started again."""
    return Command(("docker", "stop", container), timeout_s=STOP_TIMEOUT_S)


def remove_containers_command(containers: Sequence[str]) -> Command:
    """Return the command that removes stopped containers."""
    return Command(("docker", "rm", *containers))


def remove_service_command(layout: Layout, project: str, number: int, service: str) -> Command:
    """Return the command that stops and removes a service's container, if there is one."""
    words = ("rm", "--stop", "--force", service)
    return Command(compose(layout, project, number, *words), timeout_s=STOP_TIMEOUT_S)


def remove_images_command(references: Sequence[str]) -> Command:
    """Return the command that removes images that no kept release runs."""
    return Command(("docker", "image", "rm", *references), timeout_s=STOP_TIMEOUT_S)
