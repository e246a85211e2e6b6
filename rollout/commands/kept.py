"""The command that waits for a container which was kept and is started again.

Its image, and its definition, are those with which it served before, so nobody has to wait for the
engine's own look at it, which comes late and seldom: the container is asked for its health itself,
at the path that is asked from outside after the switch. The engine's word counts as well, whichever
comes first; it is waited for once the release serves.
"""

from __future__ import annotations

import math

from rollout.commands.compose import (
    NO_CONTAINER,
    NO_HEALTH_CHECK,
    NOT_READY_IN_TIME,
    OTHER_VERSION,
    STOPPED,
    UNHEALTHY,
)
from rollout.model.command import Command, bash_script

_STATE = (
    "{{.State.Status}} {{.RestartCount}} "
    "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"
    "{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}"
)

# To HTTP/1.0 no answer comes in chunks. The engine is asked seldom, because its program takes
# longer to start than the container to answer. One that says no version is known by its image.
_WAIT = f"""\
# wait until a container that was kept answers for itself
name=$1 port=$2 path=$3 key=$4 version=$5 healthy=$6
deadline=$((SECONDS + $7))
value() {{ [[ $said =~ \\"$1\\"\\ *:\\ *\\"([^\\"]*)\\" ]] && printf %s "${{BASH_REMATCH[1]}}"; }}
ask() {{
    said=
    {{ exec 3<>"/dev/tcp/$address/$port"; }} 2>/dev/null || return
    printf 'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' "$path" >&3
    said=$(timeout 8 cat <&3 | tr -d '\\r\\0')
    exec 3>&-
}}
is_other() {{
    # Parts of the body may have a version of their own.
    ! [[ $said =~ \\"$key\\"\\ *:\\ *\\"$version\\" ]] || return
    found=$(value "$key") || return
    [ -n "$found" ] && [ "$found" != "$version" ]
}}
answers() {{
    ask && [[ $said == HTTP/?.?\\ 2* ]] && [ "$(value status)" = "$healthy" ]
}}
while :; do
    state=$(docker inspect --format "$8" "$name") || exit {NO_CONTAINER}
    read -r status restarts health address _ <<<"$state"
    case "$status $restarts $health" in
        'running '*' healthy') ask; break ;;
        'running '*' none') exit {NO_HEALTH_CHECK} ;;
        'running '*' unhealthy') exit {UNHEALTHY} ;;
        'running 0 '* | 'created '*) ;;
        *) exit {STOPPED} ;;
    esac
    for _ in 1 2 3 4 5 6 7 8; do
        ! answers || break 2
        sleep 0.025
    done
    [ "$SECONDS" -lt "$deadline" ] || exit {NOT_READY_IN_TIME}
done
echo "it says $(value "$key" || echo nothing)"
! is_other || exit {OTHER_VERSION}
"""


def wait_answers_command(  # noqa: PLR0913 - each is a word of the script
    container: str, *, port: int, path: str, key: str, version: str, healthy: str, timeout_s: float
) -> Command:
    """Return the command that waits until a container says itself that it is healthy.

    Args:
        container: The container's name.
        port: The port inside its network.
        path: What to ask for, for example `/api/health`.
        key: The key of the JSON body that names the version.
        version: What it should say; a container that says none passes.
        healthy: What `status` in the body should be.
        timeout_s: How long to wait, in seconds; rounded up.
    """
    bound_s = math.ceil(timeout_s)
    words = (container, str(port), path, key, version, healthy, str(bound_s), _STATE)
    return Command(
        bash_script(_WAIT, *words),
        timeout_s=bound_s + 15,
        changes=False,
        meanings={
            STOPPED: f"{container} stopped",
            UNHEALTHY: f"{container} is unhealthy",
            NOT_READY_IN_TIME: f"{container} did not become healthy within {bound_s} s",
            NO_HEALTH_CHECK: f"{container} has no health check",
            NO_CONTAINER: f"there is no container {container}",
            OTHER_VERSION: f"{container} does not say that it is {version}",
        },
    )
