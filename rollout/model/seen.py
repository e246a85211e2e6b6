"""What was seen where something failed, as values: read once, bounded, with secrets masked."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rollout.model.around import Around
from rollout.model.finding import Finding


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """A container as its engine described it when it did not become what it should.

    Attributes:
        service: The compose service; empty where nobody said.
        status: `running`, `exited`, `created` and so on, in the engine's words.
        exit_code: What it ended with; 0 while it runs.
        oom_killed: Whether the kernel ended it for want of memory.
        error: What the engine says that kept it from starting; empty when nothing did.
        health: `healthy`, `unhealthy`, `starting`; empty where no health check is defined.
        health_output: What its health check wrote last.
        built_for: The architecture of its image, for example `amd64`; empty when unknown.
        runs_on: The architecture of its engine.
        listens: Ports that it accepts connections on, in order.
        http_status: How its health path answered inside its network; None without an answer.
        location: Where that answer redirects to; empty when it does not.
        lines: The last lines that it wrote.
    """

    service: str = ""
    status: str = ""
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    health: str = ""
    health_output: str = ""
    built_for: str = ""
    runs_on: str = ""
    listens: tuple[int, ...] = ()
    http_status: int | None = None
    location: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of one of the host's file systems.

    Attributes:
        place: A folder on it.
        free_bytes: Free space, in bytes.
        free_files: How many more files it can hold; None where it has no such limit.
    """

    place: str
    free_bytes: int
    free_files: int | None = None


@dataclass(frozen=True, slots=True)
class ComposeCheck:
    """What compose itself says of the newest release's file.

    Attributes:
        file: The file.
        exit_code: Of reading it with its variables filled in; 0 means that it is good.
        plain_exit_code: Of reading it with its variables left as they are.
        lines: The last lines that it wrote.
    """

    file: str
    exit_code: int
    plain_exit_code: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host as it was found after something failed.

    Attributes:
        engine: Version of the Docker engine that answers; empty means that none does.
        architecture: The engine's own, for example `amd64`.
        rooms: What is left of the file systems that matter.
        memory_available_bytes: Memory that a program could still get, in bytes; None when unknown.
        clock_ahead_s: How far its clock is ahead of the worker's, in seconds; negative means
            behind; None when unknown.
        listeners: Port to who listens there, for the ports that the proxy publishes; Docker's own
            are left out.
        containers: The application's containers, those that serve included.
        proxy: The last warnings and errors of the proxy.
        compose: What compose says of the newest release's file; None when there is none.
        schema_ahead: Migrations that the newest release knows and the current one does not: by the
            time of deploy-prod they are applied.
    """

    engine: str = ""
    architecture: str = ""
    rooms: tuple[Room, ...] = ()
    memory_available_bytes: int | None = None
    clock_ahead_s: float | None = None
    listeners: tuple[tuple[int, str], ...] = ()
    containers: tuple[ContainerSeen, ...] = ()
    proxy: tuple[str, ...] = ()
    compose: ComposeCheck | None = None
    schema_ahead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteSeen:
    """How far a TCP connection from the worker gets.

    Attributes:
        name: The name or address.
        port: The TCP port.
        addresses: What the name stands for; empty when it does not resolve.
        failure: The system's name for what went wrong, such as `ECONNREFUSED`, `ETIMEDOUT` or
            `EAI_NONAME`; empty when the connection came about.
    """

    name: str
    port: int
    addresses: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheckSeen:
    """One of the checks in the application's health body; latency in milliseconds."""

    name: str
    ok: bool
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class OutsideSeen:
    """The public address as the worker found it.

    Attributes:
        url: What was asked.
        route: How far a connection got.
        certificate_code: OpenSSL's verification code, 10 for an expired certificate; 0 when it is
            good, None when it was not looked at.
        certificate_words: What OpenSSL says of it.
        http_status: None without an answer.
        location: Where the answer redirects to; empty when it does not.
        upstream: The release that the proxy says it asked; empty without that header.
        checks: The checks in the health body; empty when it has none.
    """

    url: str
    route: RouteSeen
    certificate_code: int | None = None
    certificate_words: str = ""
    http_status: int | None = None
    location: str = ""
    upstream: str = ""
    checks: tuple[HealthCheckSeen, ...] = ()

    @property
    def name(self) -> str:
        """Return the public name: what a request and a certificate are for."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_elsewhere(self) -> bool:
        """Return whether another address was asked under the public name, as `[verify]` may say."""
        return self.route.name != self.name


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """One of the application's own checks that did not pass: name, state, and its last lines."""

    name: str
    state: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of a failed task.

    Attributes:
        phase: The failed task's name, such as `deploy-prod`; empty when a run failed outside one.
        kinds: Names of the error's class and of those it derives from, the closest first.
        true: What is true.
        left: What state was left.
        next_step: What to do, as far as the error itself knows.
        words: The failed command's words; empty when none failed.
        command: Its line as shown to people, with secrets masked.
        exit_code: What it ended with; None when no command failed.
        reserved: The exit status when the command reserves a meaning for it; None otherwise.
        stdout: The last lines of its standard output.
        stderr: The last lines of its standard error.
        sqlstate: PostgreSQL's code; empty when the database did not fail.
        findings: What a verdict found.
        checks: The application's own checks that did not pass.
        stage: Of a failed build: `prepare`, `build`, `push` or `engine`.
        missing_arguments: Build arguments that the Dockerfile names without a default and that
            the build was not given.
        secrets: Name to why it cannot be used: `missing`, `forbidden`, `disabled`, `empty`...
        http_status: What a registry, Google or GitHub answered; None when it was not asked or did
            not.
        in_the_way: The branch that stands where a proposal's would be; empty when none does.
        container: The container that did not become what it should.
        host: The host as it was found; None when it was not looked at.
        route: How far a connection to the host, or the database, got.
        outside: The public address as it was found; None when it was not looked at.
        around: Where the run works.
        trouble: What could not be looked at, a line each.
    """

    phase: str = ""
    kinds: tuple[str, ...] = ()
    true: str = ""
    left: str = ""
    next_step: str = ""
    words: tuple[str, ...] = ()
    command: str = ""
    exit_code: int | None = None
    reserved: int | None = None
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    sqlstate: str = ""
    findings: tuple[Finding, ...] = ()
    checks: tuple[CheckSeen, ...] = ()
    stage: str = ""
    missing_arguments: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    http_status: int | None = None
    in_the_way: str = ""
    container: ContainerSeen | None = None
    host: HostSeen | None = None
    route: RouteSeen | None = None
    outside: OutsideSeen | None = None
    around: Around = field(default_factory=Around)
    trouble: tuple[str, ...] = ()

    def is_a(self, kind: str) -> bool:
        """Return whether the error is of a class, or of one that derives from it."""
        return kind in self.kinds

    def comes_from(self, kind: str) -> bool:
        """Return whether the error, or one behind a verdict's findings, is of a class."""
        return self.is_a(kind) or any(one.behind == kind for one in self.findings)

    def gcloud(self, words: str) -> str:
        """Return the line that asks Google's command line about the project, as one would paste it.

        Args:
            words: The words between `gcloud` and the project.
        """
        return f"gcloud {words} --project={self.around.cloud.project}"

    def on_sql(self, words: str) -> str:
        """Return the line that asks Google's command line about the database's instance.

        Args:
            words: What is asked, such as `operations list`.
        """
        return self.gcloud(f"sql {words} --instance={self.around.cloud.sql_instance}")

    def on_cloud_sql(self, *lines: str) -> tuple[str, ...]:
        """Return lines that are about Cloud SQL; none where the database is not known to be there.

        Args:
            lines: The lines.
        """
        return lines if self.around.cloud.has_sql else ()

    def on_host(self, line: str) -> str:
        """Return the line that runs a shell line on the host, as a person would paste it."""
        if self.around.through_iap:
            return f"{self.around.ssh} --command {shlex.quote(f'sudo sh -c {shlex.quote(line)}')}"
        quoted = line.replace("'", "'\\''")
        return f"{self.around.ssh} '{quoted}'"

    def on_containers(self, chosen: str, line: str) -> str:
        """Return the line that runs a shell line for some of the application's containers.

        They are found by compose's labels: what they are called is the compose file's to say.

        Args:
            chosen: Which, as options of `docker ps`.
            line: The line; its first command is given each container's id.
        """
        label = "--filter label=com.docker.compose"
        of_project = f"{label}.project={self.around.project} {label}.oneoff=False"
        each = "xargs --no-run-if-empty --max-args=1"
        return self.on_host(f"docker ps --quiet {of_project} {chosen} | {each} {line}")

    def on_service(self, service: str, line: str) -> str:
        """Return the line that runs a shell line for a service's containers, also stopped ones.

        Args:
            service: The compose service.
            line: As in `on_containers`.
        """
        return self.on_containers(
            f"--all --filter label=com.docker.compose.service={service}", line
        )

    def on_machine(self, *words: str) -> tuple[str, ...]:
        """Return the line that asks Google about the machine; nothing where it is not Google's.

        Args:
            words: What stands before and after the machine, such as `instances describe`.
        """
        verb, *options = words
        if not self.around.machine:
            return ()
        return (" ".join(("gcloud compute", verb, self.around.machine, *options)),)

    @property
    def doctor(self) -> str:
        """The line that looks at everything that a deploy to the environment needs."""
        return f"bin/doctor --environment {self.around.environment or 'NAME'}"
