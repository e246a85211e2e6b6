"""A machine that is not there: what lies on it, and how that changes by the commands that it gets.

It knows the commands of an activation whose surroundings do not change, and of the looks before and
after it. Any other one is a mistake of the simulation and ends with the status of a shell that
finds no program.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from rollout.model import layout as names
from rollout.model.layout import release_service
from rollout.render.compose import images_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release

NOT_FOUND = 127
MIB = 1024 * 1024
ROOM = 20_000 * MIB
NOW = "2026-11-26T03:00:00Z"
"""What its clock writes into the ledger; nothing here waits for a date."""
_AROUND = ("caddy", "cloud-sql-proxy", "typesense", "inngest")
_LINE = '{"level": "info", "msg": "request completed", "status": 200, "ms": 4}\n'
_LOG = b64encode(gzip.compress((_LINE * 100).encode())).decode()
_ENGINE = json.dumps({"live-restore": True, "log-driver": "json-file"})

Answer = tuple[int, str]


@dataclass(slots=True)
class Machine:
    """What a host has, as `rollout.commands` finds and changes it.

    Attributes:
        directory: The application's directory.
        service: Its web service.
        user: The login.
        versions: Number of a release to its commit, of those that were put there.
    """

    directory: str
    service: str = "web"
    user: str = "deploy"
    live: str = ""
    current: int | None = None
    around: str = ""
    ledger: list[str] = field(default_factory=list[str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    sums: dict[str, str] = field(default_factory=dict[str, str])
    images: set[str] = field(default_factory=set[str])
    running: dict[int, str] = field(default_factory=dict[int, str])
    versions: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def version(self) -> str:
        """Return the commit that answers; empty before there is one."""
        return next(
            (
                version
                for number, version in self.versions.items()
                if release_service(self.service, number) == self.live
            ),
            "",
        )

    def install(self, release: Release, files: Iterable[RemoteFile]) -> None:
        """Let a release serve here, as an activation that ended well leaves it."""
        number = release.number
        for file in files:
            name = file.path.rsplit("/", 1)[-1]
            content = file.content if isinstance(file.content, str) else file.content.reveal()
            self._put(f"releases/{number}/{name}", content)
        folder = f"releases/{number}"
        around = json.loads(self.texts[f"{folder}/{names.RELEASE}"])["around"]
        self.around = f"{around} {self.sums[f'{folder}/{names.ENV}']}"
        self.sums[f"proxy/{names.CADDYFILE}"] = self.sums[f"{folder}/{names.CADDYFILE}"]
        self.images.add(release.image.reference)
        self.running = dict.fromkeys(self.running, "exited") | {number: "running"}
        self.live = release_service(self.service, number)
        self._publish(number)
        for event in ("prepared", "migrated", "activated", "verified"):
            self._append(
                json.dumps(
                    {
                        "release": number,
                        "event": event,
                        "version": release.version.sha,
                        "digest": release.image.digest,
                    }
                )
            )

    def answer(self, kind: str, words: tuple[str, ...], stdin: str) -> Answer:
        """Do what a command does, and return its exit status and output.

        Args:
            kind: The first line of its script, or the words of its program.
            words: All of its words.
            stdin: Its input.
        """
        known: dict[str, Callable[[], str | None]] = {
            "read the machine": self._read_machine,
            "read what the application has here": self._read,
            "read the files of a release": lambda: self._read_release(words[-1]),
            "read the logs of before and after an activation": lambda: _logs(words[4:]),
            "append to the ledger": lambda: self._append(words[-1]),
            "put a release's folder in its place": lambda: self._upload(words[-1], stdin),
            "pull an image, logged in for this once": lambda: self.images.add(words[4]),
            "docker compose up": lambda: self._start(words[-1]),
            "send requests to another release": lambda: self._switch(words[-1]),
            "give a release's files the names that people know": lambda: self._publish(
                int(words[-1])
            ),
            "docker stop": lambda: self._stop(words[-1]),
            "wait until a container is healthy": _nothing,
            "compare what a container runs with an image": _nothing,
            "compare the version that a container says with the release's": _nothing,
            "wait until a container has no connection left on its port": _nothing,
            "true": _nothing,
        }
        if kind not in known:
            return NOT_FOUND, f"the simulation does not know: {kind}"
        return 0, known[kind]() or ""

    def _put(self, path: str, content: str) -> None:
        self.texts[path] = content
        self.sums[path] = sha256(content.encode()).hexdigest()

    def _upload(self, number: str, stdin: str) -> None:
        with tarfile.open(fileobj=io.BytesIO(b64decode(stdin))) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    self._put(f"releases/{number}/{member.name}", content.read().decode())

    def _append(self, entry: str) -> None:
        self.ledger.append(f'{{"at": "{NOW}", {entry[1:]}\n')

    def _start(self, service: str) -> None:
        self.running[int(service.rpartition("-r")[2])] = "running"

    def _stop(self, container: str) -> None:
        self.running[int(container.rpartition("-r")[2].removesuffix("-1"))] = "exited"

    def _switch(self, upstream: str) -> None:
        self.live = upstream

    def _publish(self, number: int) -> None:
        folder = f"releases/{number}"
        self.current = number
        self.versions[number] = self._release(number)["version"]["sha"]
        for name in (names.COMPOSE, names.CADDYFILE, names.ENV):
            self.sums[name] = self.sums[f"{folder}/{name}"]

    def _release(self, number: int) -> dict[str, dict[str, str]]:
        return json.loads(self.texts[f"releases/{number}/{names.RELEASE}"])

    def _read_machine(self) -> str:
        return "\n".join(
            (
                f"user {self.user}",
                f"groups {self.user} docker",
                "sudo yes",
                "docker yes",
                "engine 26.1.5",
                "compose 2.26.1",
                f"running {len(_AROUND) + 1}",
                f"settings {_packed(_ENGINE)}",
                f"directory 750 {self.user}",
                f"free {ROOM}",
            )
        )

    def _read(self) -> str:
        compose = self.texts[f"releases/{self.current}/{names.COMPOSE}"]
        lines = [
            f"live {self.live}",
            f"around {self.around}",
            f"current releases/{self.current}",
            f"ledger {_packed(''.join(self.ledger))}",
            f"compose {_packed(compose)}",
        ]
        for path, text in self.texts.items():
            if path.endswith(f"/{names.RELEASE}"):
                lines.append(f"release {path} {_packed(text)}")
        lines += [f"file {digest}  {path}" for path, digest in self.sums.items()]
        lines += [f"container {json.dumps(one)}" for one in self._containers(compose)]
        lines += [f"image {reference} {_identity(reference)}" for reference in self.images]
        return "\n".join((*lines, f"free {ROOM}", f"memory {ROOM // 1024}", "clock {clock}"))

    def _containers(self, compose: str) -> list[dict[str, object]]:
        images = images_of(compose)
        around = [
            _container(name, images.get(name, f"{name}:1"), None, self.directory)
            for name in _AROUND
        ]
        for number, status in self.running.items():
            image = self._release(number)["image"]
            reference = f"{image['repository']}@{image['digest']}"
            own = release_service(self.service, number)
            around.append(_container(own, reference, number, self.directory) | {"status": status})
        return around

    def _read_release(self, folder: str) -> str:
        number = folder.rpartition("/")[2]
        return "\n".join(
            f"{name} {_packed(self.texts[f'releases/{number}/{name}'])}"
            for name in (names.COMPOSE, names.CADDYFILE)
        )


def _nothing() -> None:
    """What only looks at a container finds it well."""


def _packed(text: str) -> str:
    return b64encode(text.encode()).decode()


def _identity(reference: str) -> str:
    return f"sha256:{sha256(reference.encode()).hexdigest()}"


def _container(
    service: str, reference: str, release: int | None, directory: str
) -> dict[str, object]:
    mount = {"Source": f"{directory}/{names.PROXY}", "Destination": names.PROXY_MOUNT}
    return {
        "name": f"/{service}-1",
        "status": "running",
        "exit_code": 0,
        "restarts": 0,
        "oom_killed": False,
        "started_at": NOW,
        "health": "" if release is None else "healthy",
        "service": service,
        "release": None if release is None else str(release),
        "reference": reference,
        "image": _identity(reference),
        "mounts": [mount] if service == "caddy" else [],
    }


def _logs(words: tuple[str, ...]) -> str:
    """Return what two windows of each container hold: a hundred lines without an error."""
    told = ["seconds 5"]
    for service, now, before in zip(*(iter(words[4:]),) * 3, strict=True):
        told += [f"now {service} {_LOG} ."] if now != "-" else []
        told += [f"before {service} {_LOG} ."] if before != "-" else []
    return "\n".join(told)
