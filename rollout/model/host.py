"""What was read of a host, as values: the machine, and what the application has on it."""

from __future__ import annotations

from dataclasses import dataclass, field

# In the engine's words; it starts again by itself what it calls `restarting`.
_UP = ("running", "restarting", "paused")


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What a machine brings, before anything of ours is on it.

    Attributes:
        user: The login that was used.
        groups: The groups that its session has.
        sudo: Whether it may use sudo without a password.
        engine: Version of the Docker engine that answers; empty means that none does.
        docker: Whether the docker program is there.
        compose: Version of the compose plugin; empty means that there is none.
        running: How many containers run.
        containers: How many containers the application's compose project has, running or not.
        serves: Whether the application's web service runs by its own name, as a compose file starts
            it by itself; a release's has a name of its own.
        settings: Text of the engine's settings file; empty means that there is none.
        owner: Who owns the application's directory; empty means that it does not exist.
        mode: Its permission bits in octal, for example `750`.
        free_bytes: Free space, in bytes, where it is least: images or the application's directory.
    """

    user: str
    groups: tuple[str, ...] = ()
    sudo: bool = False
    engine: str = ""
    docker: bool = False
    compose: str = ""
    running: int = 0
    containers: int = 0
    serves: bool = False
    settings: str = ""
    owner: str = ""
    mode: str = ""
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the application's compose project.

    Attributes:
        name: The engine's name for it.
        service: The compose service.
        status: `running`, `exited` and so on, in the engine's words.
        health: `healthy`, `unhealthy`, `starting`; empty where no health check is defined.
        reference: What it was started from, for example `repository@sha256:...`.
        image_id: The engine's identity of what it runs.
        release: The number in its label; None where it has none.
        mounts: Pairs of source and destination.
        exit_code: What it ended with; 0 while it runs.
        restarts: How often it started again by itself since it was made.
        oom_killed: Whether something in it was killed for want of memory since it started.
        started_at: When it was last started, ISO 8601, UTC; empty where that is not known.
    """

    name: str
    service: str
    status: str
    health: str = ""
    reference: str = ""
    image_id: str = ""
    release: int | None = None
    mounts: tuple[tuple[str, str], ...] = ()
    exit_code: int = 0
    restarts: int = 0
    oom_killed: bool = False
    started_at: str = ""

    @property
    def is_up(self) -> bool:
        """Return whether the engine keeps it up: also one that it is about to start again."""
        return self.status in _UP

    @property
    def is_starting(self) -> bool:
        """Return whether its first health check is still to be passed."""
        return self.status == "running" and self.health == "starting"

    @property
    def serves(self) -> bool:
        """Return whether it runs, and is healthy where it can say so."""
        return self.status == "running" and self.health in ("", "healthy")

    def is_kept(self, reference: str) -> bool:
        """Return whether it was stopped, and runs this image when it is started again."""
        return self.status == "exited" and self.reference == reference

    @property
    def has_done(self) -> bool:
        """Return whether it has ended well, as a job does."""
        return self.status == "exited" and self.exit_code == 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How much a host has left, and what time it thinks it is.

    Attributes:
        disk_free_bytes: Free space, in bytes, where it is least: images or the application's
            directory.
        memory_available_bytes: Memory that can be had without swapping, in bytes.
        clock_s: Its clock, in seconds since 1970.
    """

    disk_free_bytes: int
    memory_available_bytes: int
    clock_s: float


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What the application has on a host.

    Attributes:
        live: The network name that the proxy sends requests to; empty before the first release.
        current: The release that the symlink `current` names; None when there is none.
        ledger: The whole text of the ledger.
        compose: The compose file of the current release; empty when there is none.
        releases: Release number to the text of its `release.json`.
        files: Path below the directory to the SHA-256 of what lies there.
        containers: All of the compose project, running or not.
        images: Image reference to the engine's identity of it.
        around: What the services around the web service were last started as; empty when that is
            not known, or somebody was at it and did not end.
        figures: What it has left; None where that was not asked for. Two looks at the same host are
            equal whatever these say.
    """

    live: str = ""
    current: int | None = None
    around: str = ""
    ledger: str = ""
    compose: str = ""
    releases: dict[int, str] = field(default_factory=dict[int, str])
    files: dict[str, str] = field(default_factory=dict[str, str])
    containers: tuple[Container, ...] = ()
    images: dict[str, str] = field(default_factory=dict[str, str])
    figures: Figures | None = field(default=None, compare=False)

    def container(self, service: str) -> Container | None:
        """Return the container of a compose service; None when there is none."""
        return next((one for one in self.containers if one.service == service), None)


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """What the folder of a release on a host says, its secrets left out.

    Attributes:
        compose: Text of its rendered compose file.
        caddyfile: Text of its rendered Caddyfile.
        contract: Text of its schema contract; empty in a release from before contracts were kept.
    """

    compose: str
    caddyfile: str
    contract: str = ""


@dataclass(frozen=True, slots=True)
class StoredContracts:
    """The releases of a host, and the schema contracts that lie in their folders.

    Attributes:
        facts: What the proxy sends requests to, the ledger, and each release's description; nothing
            else was asked for.
        texts: Release number to the text of its `contract.json`; releases from before contracts
            were kept, and those whose folder is gone, are not in it.
        derived: Release number to the text of a contract that was derived later from the release's
            migrations.
        underived: Release number to why no contract could be derived, as a fragment.
    """

    facts: HostFacts = field(default_factory=HostFacts)
    texts: dict[int, str] = field(default_factory=dict[int, str])
    derived: dict[int, str] = field(default_factory=dict[int, str])
    underived: dict[int, str] = field(default_factory=dict[int, str])
