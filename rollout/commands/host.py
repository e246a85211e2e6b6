"""Commands that read what the application has on a host, and write its files there.

No command here talks about containers; those are in `compose`. Values reach a script as arguments
or on standard input, never in its text.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from rollout.model import layout as names
from rollout.model.command import Command, Secret, script
from rollout.model.host import Container, Figures, HostFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollout.model.layout import Layout
    from rollout.model.plan import RemoteFile

NOT_PREPARED = 70
ENGINE_SILENT = 71
DAMAGED = 72

_CONTAINER = (
    '{"name": {{json .Name}}, "status": {{json .State.Status}}, "exit_code": {{.State.ExitCode}}, '
    '"restarts": {{.RestartCount}}, "oom_killed": {{.State.OOMKilled}}, '
    '"started_at": {{json .State.StartedAt}}, '
    '"health": {{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}}, '
    '"service": {{json (index .Config.Labels "com.docker.compose.service")}}, '
    f'"release": {{{{json (index .Config.Labels "{names.RELEASE_LABEL}")}}}}, '
    '"reference": {{json .Config.Image}}, "image": {{json .Image}}, "mounts": {{json .Mounts}}}'
)
_IMAGE = "{{.Repository}}@{{.Digest}} {{.ID}}"

# Lines of a word and its value; a file's text is base64, because it may hold line ends.
_READ = f"""\
# read what the application has here
cd "$1" 2>/dev/null || exit {NOT_PREPARED}
[ ! -f proxy/live ] || printf 'live %s\\n' "$(cat proxy/live)"
[ ! -f around ] || printf 'around %s\\n' "$(cat around)"
[ ! -L current ] || printf 'current %s\\n' "$(readlink current)"
[ ! -f ledger.jsonl ] || printf 'ledger %s\\n' "$(base64 -w 0 ledger.jsonl)"
compose=current/docker-compose.prod.yml
[ ! -f "$compose" ] || printf 'compose %s\\n' "$(base64 -w 0 "$compose")"
for file in releases/*/release.json; do
    [ ! -f "$file" ] || printf 'release %s %s\\n' "$file" "$(base64 -w 0 "$file")"
done
for file in docker-compose.prod.yml .env Caddyfile proxy/Caddyfile releases/*/* releases/*/.env; do
    [ ! -f "$file" ] || [ ! -r "$file" ] || printf '%s\\0' "$file"
done | xargs -0 -r sha256sum | sed 's/^/file /'
ids=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$2" \
    --filter label=com.docker.compose.oneoff=False) || exit {ENGINE_SILENT}
# shellcheck disable=SC2086 # one word an id
[ -z "$ids" ] || docker inspect --format "$3" $ids | sed 's/^/container /'
docker image ls --digests --no-trunc --format "$4" | sed 's/^/image /'
df -B 1 --output=avail . /var/lib/docker 2>/dev/null | sed -n '2,$s/^ */free /p'
sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/memory \\1/p' /proc/meminfo
date -u '+clock %s.%N'
"""

# What killed uploads left goes first, whichever release it was for: it may hold secrets.
UPLOAD = "put a release's folder in its place"
_UPLOAD = f"""\
# {UPLOAD}
umask 077
cd "$1"
mkdir -p releases proxy
chmod 755 proxy
rm -rf releases/.*.tmp releases/.*.old
mkdir "releases/.$2.tmp"
base64 -d | tar -x --touch --no-same-owner --preserve-permissions -C "releases/.$2.tmp"
(cd "releases/.$2.tmp" && sha256sum --check --strict --quiet {names.CHECKSUMS}) || exit {DAMAGED}
sync -f "releases/.$2.tmp"
[ ! -e "releases/$2" ] || mv "releases/$2" "releases/.$2.old"
mv "releases/.$2.tmp" "releases/$2"
rm -rf "releases/.$2.old"
"""

_REMEMBER = """\
# remember what the services around the web service were started as
umask 077
cd "$1"
printf %s "$2" >around.tmp
sync around.tmp
mv around.tmp around
"""

# A torn last line counts for no reader; it is cut off before another one follows it.
_APPEND = """\
# append to the ledger
umask 077
cd "$1"
if [ -s ledger.jsonl ] && [ -n "$(tail -c 1 ledger.jsonl)" ]; then
    sed '$d' ledger.jsonl >ledger.jsonl.tmp
    sync ledger.jsonl.tmp
    mv ledger.jsonl.tmp ledger.jsonl
fi
printf '{"at": "%s", %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${2#?}" >>ledger.jsonl
sync ledger.jsonl
"""

_SWITCH = """\
# send requests to another release
umask 022
cd "$1/proxy"
printf %s "$2" >live.tmp
sync live.tmp
mv live.tmp live
"""

_STAGE = """\
# put a release's Caddyfile beside the proxy's
cd "$1"
cp "releases/$2/Caddyfile" proxy/Caddyfile.next
chmod 644 proxy/Caddyfile.next
"""

# Undoing it half-way puts back what it has kept: a whole file of this run's, or nothing.
_INSTALL = """\
# give the proxy its new Caddyfile, keep the former
cd "$1/proxy"
rm -f Caddyfile.former
if [ -f Caddyfile ]; then
    cp Caddyfile Caddyfile.former.tmp
    mv Caddyfile.former.tmp Caddyfile.former
fi
mv Caddyfile.next Caddyfile
"""

_RESTORE = """\
# give the proxy its former Caddyfile back
cd "$1/proxy"
[ ! -f Caddyfile.former ] || mv Caddyfile.former Caddyfile
"""

_PUBLISH = """\
# give a release's files the names that people know
cd "$1"
for name in docker-compose.prod.yml Caddyfile .env; do
    cp --preserve=mode "releases/$2/$name" "$name.tmp"
    mv "$name.tmp" "$name"
done
ln -sfn "releases/$2" current.tmp
mv -T current.tmp current
sync -f current
"""

_FORGET = """\
# remove the folders of old releases
cd "$1/releases"
shift
for number; do rm -rf "./$number"; done
"""


def read_host_command(directory: str, project: str, *, as_root: bool = False) -> Command:
    """Return the command that reads what `parse_host` understands.

    Args:
        directory: The application's directory.
        project: Its compose project.
        as_root: Whether to read by sudo, where the login may not ask the engine yet.
    """
    read = script(_READ, directory, project, _CONTAINER, _IMAGE)
    return Command(
        ("sudo", "-n", *read) if as_root else read,
        changes=False,
        meanings={
            NOT_PREPARED: f"there is no {directory}: the host was never prepared",
            ENGINE_SILENT: "the Docker engine does not answer",
        },
    )


def parse_host(stdout: str) -> HostFacts:
    """Return the facts of a host from what `read_host_command` wrote."""
    said: dict[str, list[str]] = {}
    for line in stdout.splitlines():
        word, _, value = line.partition(" ")
        said.setdefault(word, []).append(value)
    current = said.get("current", [""])[0].removeprefix("releases/")
    return HostFacts(
        live=said.get("live", [""])[0].strip(),
        current=int(current) if current.isdecimal() else None,
        around=said.get("around", [""])[0].strip(),
        ledger=_decoded(said.get("ledger", [""])[0]),
        compose=_decoded(said.get("compose", [""])[0]),
        releases=_releases(said.get("release", [])),
        files={path: digest for digest, path in (one.split(maxsplit=1) for one in said["file"])}
        if "file" in said
        else {},
        containers=tuple(_container(json.loads(one)) for one in said.get("container", [])),
        images=dict(_pair(one) for one in said.get("image", [])),
        figures=_figures(said),
    )


def upload_release_command(layout: Layout, number: int, files: Iterable[RemoteFile]) -> Command:
    """Return the command that puts a release's folder in its place, whole or not at all.

    Everything travels on standard input, as a tar with checksums, because the environment file
    holds secrets.

    Args:
        layout: Where the application lies.
        number: The release.
        files: The folder's files; each path is that of its final place.
    """
    return Command(
        script(_UPLOAD, layout.directory, str(number)),
        stdin=Secret(b64encode(_tar(files)).decode()),
        meanings={DAMAGED: "the files arrived damaged"},
    )


def checksum(file: RemoteFile) -> str:
    """Return the SHA-256 of a file's text, as `sha256sum` writes it."""
    return hashlib.sha256(_bytes(file)).hexdigest()


def append_ledger_command(layout: Layout, entry: str) -> Command:
    """Return the command that appends an entry to the ledger and waits until the disk has it.

    Args:
        layout: Where the application lies.
        entry: The entry as a JSON object without its time; the host writes its own clock's.
    """
    return Command(script(_APPEND, layout.directory, entry))


def switch_command(layout: Layout, upstream: str) -> Command:
    """Return the command after which the proxy sends every new request to `upstream`."""
    return Command(script(_SWITCH, layout.directory, upstream))


def forget_around_command(layout: Layout) -> Command:
    """Return the command before the services around the web service may be started anew."""
    return Command(("rm", "-f", f"{layout.directory}/{names.AROUND}"))


def remember_around_command(layout: Layout, around: str) -> Command:
    """Return the command after they were: what they are, as `HostFacts.around` has it."""
    return Command(script(_REMEMBER, layout.directory, around))


def forget_live_command(layout: Layout) -> Command:
    """Return the command that takes the first switch of a host back."""
    return Command(("rm", "-f", f"{layout.proxy}/{names.LIVE}"))


def stage_caddyfile_command(layout: Layout, number: int) -> Command:
    """Return the command that puts a release's Caddyfile where the proxy can be asked about it."""
    return Command(script(_STAGE, layout.directory, str(number)))


def install_caddyfile_command(layout: Layout) -> Command:
    """Return the command that makes the staged Caddyfile the proxy's own."""
    return Command(script(_INSTALL, layout.directory))


def restore_caddyfile_command(layout: Layout) -> Command:
    """Return the command that gives the proxy its former Caddyfile back."""
    return Command(script(_RESTORE, layout.directory))


def publish_command(layout: Layout, number: int) -> Command:
    """Return the command that gives a release's files their well-known names, and `current`."""
    return Command(script(_PUBLISH, layout.directory, str(number)))


def forget_releases_command(layout: Layout, numbers: Sequence[int]) -> Command:
    """Return the command that removes the folders of old releases."""
    return Command(script(_FORGET, layout.directory, *(str(number) for number in numbers)))


def free_space_command(directory: str) -> Command:
    """Return the command that shows how full the host's disks are, as evidence."""
    return Command(
        ("df", "--human-readable", directory, "/var/lib/docker"), timeout_s=10, changes=False
    )


def _decoded(text: str) -> str:
    return b64decode(text).decode(errors="replace")


def _figures(said: dict[str, list[str]]) -> Figures | None:
    """Return what a host has left; None where it does not say all of it."""
    free, memory, clock = (said.get(word) for word in ("free", "memory", "clock"))
    if not (free and memory and clock):
        return None
    return Figures(min(map(int, free)), int(memory[0]) * 1024, float(clock[0]))


def _releases(said: list[str]) -> dict[int, str]:
    """Return release number to text; folders that no number names are not releases."""
    pairs = [(path.split("/")[1], text) for path, _, text in (one.partition(" ") for one in said)]
    return {int(number): _decoded(text) for number, text in pairs if number.isdecimal()}


def _pair(text: str) -> tuple[str, str]:
    reference, _, identity = text.partition(" ")
    return reference, identity


def _container(said: dict[str, Any]) -> Container:
    release = str(said["release"] or "")
    return Container(
        name=said["name"].removeprefix("/"),
        service=said["service"] or "",
        status=said["status"],
        health=said["health"],
        reference=said["reference"],
        image_id=said["image"],
        release=int(release) if release.isdecimal() else None,
        # The engine tells them in any order.
        mounts=tuple(sorted((one.get("Source", ""), one["Destination"]) for one in said["mounts"])),
        exit_code=said["exit_code"],
        restarts=said["restarts"],
        oom_killed=said["oom_killed"],
        started_at=said["started_at"],
    )


def _bytes(file: RemoteFile) -> bytes:
    content = file.content
    return (content.reveal() if isinstance(content, Secret) else content).encode()


def _tar(files: Iterable[RemoteFile]) -> bytes:
    """Return the files and their checksums as a tar that is the same each time."""
    packed = [(file.path.rsplit("/", 1)[-1], _bytes(file), file.mode) for file in files]
    sums = "".join(f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text, _ in packed)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, text, mode in (*packed, (names.CHECKSUMS, sums.encode(), 0o600)):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), mode
            tar.addfile(member, io.BytesIO(text))
    return stream.getvalue()
