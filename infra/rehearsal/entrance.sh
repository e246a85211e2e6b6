# shellcheck shell=bash
# Sourced by the commands that need namespaces: bin/rehearse, bin/test, bin/bench, infra/rehearsal/enter.
#
#   entrance COMMAND [ARG...]   COMMAND is the file in the checkout that sources this
#
# Returns where namespaces may be made, as root on Debian or Ubuntu. Elsewhere it runs COMMAND there, with
# sudo or else in one privileged container, and exits with its status. Nobody's own files are left root's.
# It runs under the Bash 3.2 of macOS too.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=infra/python.sh
. "$checkout/infra/python.sh"
container=trovella-rehearsal-$(printf %s "$checkout" | cksum | cut -d' ' -f1)
# What leads to a package registry from behind a proxy; in a container no file of the machine is there.
proxies="http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL UV_DEFAULT_INDEX"
kept_by_sudo="PYTHON REHEARSAL_UI SSL_CERT_FILE PIP_CERT NODE_EXTRA_CA_CERTS $proxies"

entrance() {
    case $(way) in
    here) trap give_back EXIT ;;
    sudo) by_sudo "$@" ;;
    container) in_container "$@" ;;
    nowhere)
        echo "${1##*/}: neither root (or sudo without a password) on Debian or Ubuntu nor Docker is at hand;" \
            "nothing was changed; run it where one of them is" >&2
        exit 1
        ;;
    esac
}

way() {
    if on_debian && [ "$(id -u)" -eq 0 ] && unshare --mount --net --pid --fork true >/dev/null 2>&1; then
        echo here
    elif on_debian && [ "$(id -u)" -ne 0 ] && sudo --non-interactive true >/dev/null 2>&1; then
        echo sudo
    elif docker info >/dev/null 2>&1; then
        echo container
    else
        echo nowhere
    fi
}

on_debian() { [ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null; }

# The environment is made by the user, so that it and the caches of its packages are the user's.
by_sudo() {
    if ! takes_down "$@"; then
        provide_python sudo --non-interactive
        "$checkout/bin/setup"
    fi
    exec sudo --non-interactive "--preserve-env=${kept_by_sudo// /,}" \
        env "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin" "$checkout/$1" "${@:2}"
}

# The container keeps running after the command, so that the UI can be looked at; --down removes it.
in_container() {
    local status=0 name options=(--workdir "$checkout")
    if takes_down "$@" && ! docker container inspect "$container" >/dev/null 2>&1; then
        forget_volumes "$@"
        exit 0
    fi
    # A folder that is missing would be made by the engine, as root's.
    mkdir -p "$checkout/.rehearsal" "$checkout/.venv"
    docker start "$container" >/dev/null 2>&1 || create_container "$1"
    for name in $proxies; do
        [ -z "${!name:-}" ] || options+=(--env "$name")
    done
    if [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then options+=(--interactive --tty); fi
    if [[ $PWD/ = "$checkout"/* ]]; then options+=(--workdir "$PWD"); fi
    docker exec "${options[@]}" "$container" "$checkout/$1" "${@:2}" || status=$?
    if takes_down "$@" && [ "$status" -eq 0 ]; then leave_container "$@"; fi
    exit "$status"
}

# What the machine cannot lend it, file systems that an overlay may lie on, are volumes.
create_container() { # COMMAND
    local port=${REHEARSAL_UI_PORT:-4280} common volumes
    volumes=(--volume "$checkout:$checkout" --volume "$container-state:$checkout/.rehearsal"
        --volume "$container-environment:$checkout/.venv")
    # A linked work tree's repository lies elsewhere.
    common=$(cd "$checkout" && git rev-parse --path-format=absolute --git-common-dir 2>/dev/null) || common=$checkout
    [[ $common/ = "$checkout"/* ]] || volumes+=(--volume "$common:$common:ro")
    docker rm --force "$container" >/dev/null 2>&1 || true
    if ! docker run --detach --init --privileged --name "$container" --workdir "$checkout" "${volumes[@]}" \
        --publish "127.0.0.1:$port:$port" --env "REHEARSAL_UI=0.0.0.0:$port" debian:13 sleep infinity >/dev/null; then
        docker rm --force "$container" >/dev/null 2>&1 || true
        echo "${1##*/}: the container could not be started, the line above says why; nothing of it is left;" \
            "if port $port is taken, name a free one in REHEARSAL_UI_PORT" >&2
        exit 1
    fi
}

# Removes the container when no world is left in it, and the volumes when no cache is left either.
leave_container() {
    local left
    left=$(docker exec --workdir "$checkout" "$container" ls -A .rehearsal)
    case $left in
    '' | cache)
        docker rm --force "$container" >/dev/null
        [ "$left" = cache ] || forget_volumes "$@"
        ;;
    esac
}

forget_volumes() {
    case " $* " in *" --keep-cache "*) return ;; esac
    docker volume rm --force "$container-state" "$container-environment" >/dev/null
    rmdir "$checkout/.rehearsal" "$checkout/.venv" 2>/dev/null || true
}

takes_down() { case " $* " in *" --down "*) true ;; *) false ;; esac; }

# Sets `python`, and installs what a bare machine lacks of what runs before the rehearsal's own packages are there.
# Its words become root for apt-get; none for who is root.
provide_python() { # [BECOME_ROOT...]
    local missing=()
    python=$(chosen_python)
    command -v "$python" >/dev/null || missing+=(python3)
    "$python" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    command -v git >/dev/null || missing+=(git)
    [ ${#missing[@]} -gt 0 ] || return 0
    "$@" apt-get -qq update
    "$@" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# What root wrote into somebody's checkout becomes theirs, so that they can use and remove it without root.
# A world's own files stay root's until --down, and another file system's, the container's volumes, too.
give_back() {
    local owner
    owner=$(stat --format %u:%g "$checkout")
    [ "$owner" = 0:0 ] ||
        find "$checkout" -xdev -path "$checkout/.rehearsal" -prune -o -uid 0 -exec chown --no-dereference "$owner" {} +
}
