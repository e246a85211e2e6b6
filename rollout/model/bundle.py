"""What was read of a host before something was undone there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerEvidence:
    """The state and the last lines of one container.

    Attributes:
        name: The engine's name for it.
        state: The engine's state of it, JSON, with exit code and whether memory ran out.
        log: Its last lines, both streams; secrets are not masked yet.
    """

    name: str
    state: str
    log: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the host says of a release that was refused.

    Attributes:
        containers: Those of the compose project, the newest first.
        proxy: Warnings and errors of the proxy, its last lines; secrets are not masked yet.
        machine: Disk, memory and load, as the programs print them.
    """

    containers: tuple[ContainerEvidence, ...] = ()
    proxy: str = ""
    machine: str = ""
