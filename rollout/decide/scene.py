"""What every part of an activation looks at: the host's facts and the release that shall serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.commands.host import checksum
from rollout.config import Application, Verify
from rollout.decide.releases import serving_release
from rollout.errors import Refused
from rollout.ledger import LedgerState, read_ledger
from rollout.model import layout as names
from rollout.model.finding import Finding
from rollout.model.host import Container, HostFacts
from rollout.model.layout import Layout, release_number, release_service
from rollout.model.release import Release
from rollout.render.release import parse_release

if TYPE_CHECKING:
    from rollout.model.plan import RemoteFile


@dataclass(frozen=True, slots=True)
class Scene:
    """The facts, the release, and what follows from both.

    Attributes:
        service: The release's own compose service.
        former: The release that serves now, or None.
        checksums: File name to SHA-256 as the release wants it.
        defines: What the release's description says of what runs around its web service.
        verify: How the release is asked who it is; None asks it nothing.
    """

    facts: HostFacts
    release: Release
    application: Application
    ledger: LedgerState
    layout: Layout
    service: str
    former: int | None
    checksums: dict[str, str]
    defines: str = ""
    verify: Verify | None = None

    @property
    def project(self) -> str:
        """Return the compose project."""
        return self.application.project

    @property
    def number(self) -> int:
        """Return the release's number."""
        return self.release.number

    @property
    def container(self) -> Container | None:
        """Return the release's own container; None when there is none."""
        return self.facts.container(self.service)

    @property
    def kept(self) -> Container | None:
        """Return the release's container if it was stopped and kept; None when there is none."""
        container = self.container
        if container is None or not self.is_uploaded:
            return None
        return container if container.is_kept(self.release.image.reference) else None

    @property
    def proxy(self) -> Container | None:
        """Return the proxy's container; None when there is none."""
        return self.facts.container(self.application.proxy)

    @property
    def proxy_is_ours(self) -> bool:
        """Return whether the proxy runs and sees the folder, so that a `mv` switches it."""
        proxy = self.proxy
        mount = (self.layout.proxy, names.PROXY_MOUNT)
        return proxy is not None and proxy.status == "running" and mount in proxy.mounts

    @property
    def is_uploaded(self) -> bool:
        """Return whether the host has the release's folder, each file as it shall be."""
        files = self.facts.files
        folder = f"releases/{self.number}/"
        return all(files.get(folder + name) == sum_ for name, sum_ in self.checksums.items())

    @property
    def is_up(self) -> bool:
        """Return whether the release's container is healthy and runs what it should."""
        container = self.container
        return (
            self.is_uploaded
            and container is not None
            and container.serves
            and container.health == "healthy"
            and container.reference == self.release.image.reference
        )

    @property
    def around(self) -> str:
        """Return what the services around the web service shall be; empty when nobody knows."""
        environment = self.checksums.get(names.ENV, "")
        return f"{self.defines} {environment}" if self.defines and environment else ""

    @property
    def around_is_there(self) -> bool:
        """Return whether that is what they were last started as.

        For a release that cannot say what they shall be, being the current one is all there is.
        """
        if not self.around:
            return self.facts.current == self.number
        return self.facts.around == self.around

    @property
    def retiring(self) -> tuple[Container, ...]:
        """Return the containers that serve until the switch and are not wanted after it."""
        service = self.application.service
        return tuple(
            one
            for one in self.facts.containers
            if one.is_up
            and one.service != self.service
            and (one.service == service or release_number(service, one.service) is not None)
        )


def read_scene(
    facts: HostFacts,
    release: Release,
    files: tuple[RemoteFile, ...],
    application: Application,
    verify: Verify | None = None,
) -> Scene:
    """Return what an activation looks at.

    Args:
        facts: What was read of the host.
        release: What shall serve.
        files: The release's folder; empty means that the host has it.
        application: How the application stands in its compose file.
        verify: How the release is asked who it is; None asks it nothing.

    Raises:
        Refused: When `files` is empty and the host does not have the folder.
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    layout = Layout(application.directory)
    wanted = {file.path.rsplit("/", 1)[-1]: checksum(file) for file in files}
    folder = f"releases/{release.number}/"
    there = {
        path.removeprefix(folder): digest
        for path, digest in facts.files.items()
        if path.startswith(folder)
    }
    if not wanted and names.COMPOSE not in there:
        raise Refused(
            f"activation of release {release.number}",
            (
                Finding(
                    "release-on-host",
                    f"the host no longer has release {release.number}",
                    layout.release(release.number),
                    f"Deploy version {release.version} anew instead.",
                ),
            ),
        )
    return Scene(
        facts=facts,
        release=release,
        application=application,
        ledger=read_ledger(facts.ledger),
        layout=layout,
        service=release_service(application.service, release.number),
        former=serving_release(facts, application.service),
        checksums=wanted or there,
        defines=_described(files, release).around,
        verify=verify,
    )


def _described(files: tuple[RemoteFile, ...], release: Release) -> Release:
    """Return the release as its own description freezes it; as it was given without files."""
    texts = (file.content for file in files if file.path.endswith(f"/{names.RELEASE}"))
    return next((parse_release(text) for text in texts if isinstance(text, str)), release)
