"""The file that describes one environment: `deployments/<environment>.toml`.

Untrusted text enters here and leaves as frozen, typed values; what is wrong is told in one sentence
with its path. Everything that differs between two stacks stands in that file and nowhere else.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rollout.errors import ConfigInvalid
from rollout.github import GitHub
from rollout.hosts import Hosts
from rollout.limits import Limits
from rollout.manifest import CHECK, Manifest
from rollout.may_go import MayGo
from rollout.policy import DryRunPolicy, MigrationPolicy, MigrationRules
from rollout.promotion import Promotion

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]
LONGEST_BAKE_S = 1200
"""How long a target may bake in all, in seconds: less than a rollback waits for its turn.

A question (`ask_s`) may come on top: somebody can answer it, so it is not counted here."""


def _inside_repository(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or path.startswith("-"):
        raise ValueError("should be a path inside the repository")
    return path


def _host_and_port(text: str) -> str:
    if text and urlsplit(f"//{text}").port == 0:  # one beyond 65535 is refused by urlsplit itself
        raise ValueError("should be HOST or HOST:PORT")
    return text


HostAndPort = Annotated[
    str,
    Field(pattern=r"^((\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?)?$"),
    AfterValidator(_host_and_port),
]
# The format is for docs/settings.md only: JSON Schema has no word for it.
RepositoryPath = Annotated[
    str, AfterValidator(_inside_repository), Field(json_schema_extra={"format": "path"})
]


class Section(BaseModel):
    """A table of the file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Blocks(Section):
    """Names of the Prefect blocks that hold addresses and credentials.

    Attributes:
        target_host: The first host, of the kind Target host.
        gcp_project: The project whose Secret Manager is read, of the kind GCP project.
        artifact_registry: Where images are pushed to, of the kind Artifact Registry.
        app_database: The application's database, of the kind Application database.
        scratch_database: An `app_database` on a server where scratch databases may be made, CI's
            for instance; without it migrations are not tried before they are applied.
    """

    target_host: Name
    gcp_project: Name
    artifact_registry: Name
    app_database: Name
    scratch_database: Name | None = None


class Check(Section):
    """One command of quality.

    Attributes:
        name: What it is called in the UI and in `needs`; `variables` is quality's own.
        run: The words of the command; no shell reads them.
        needs: Checks that must have passed before it starts; empty lets it start at once.
        timeout_s: How long it may take, in seconds.
        env: Variables of its own, over those of `[quality.env]`.
    """

    name: Name
    run: Annotated[tuple[str, ...], Field(min_length=1)]
    needs: tuple[Name, ...] = ()
    timeout_s: Seconds = 600
    env: dict[Variable, str] = {}


class ServiceContainer(Section):
    """A container that the checks talk to, fresh for each run of quality.

    Attributes:
        name: Its name; the checks find it as `{name.host}` and `{name.port}` in their variables.
        image: What runs.
        port: The port inside the container.
        env: Its variables; never a real secret.
        command: Words given to the image; empty means the image's own.
        ready: Command run inside it until it succeeds; empty waits for the port to accept.
        ready_timeout_s: How long that may take, in seconds.
    """

    name: Name
    image: str
    port: Annotated[int, Field(gt=0, lt=65536)]
    env: dict[Variable, str] = {}
    command: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    ready_timeout_s: Seconds = 60


class Quality(Section):
    """What must hold of a commit before anything else happens.

    Attributes:
        checks: The application's own commands.
        services: What they talk to.
        env: Variables of all of them; `{name.host}` and `{name.port}` stand for a service.
        engine_address: The address under which the worker reaches ports that its engine publishes.
    """

    checks: tuple[Check, ...] = ()
    services: tuple[ServiceContainer, ...] = ()
    env: dict[Variable, str] = {}
    engine_address: str = "127.0.0.1"

    @model_validator(mode="after")
    def _needs_name_earlier_checks(self) -> Quality:
        seen: set[str] = set()
        for check in self.checks:
            unknown = [need for need in check.needs if need not in seen]
            if unknown:
                raise ValueError(f"check {check.name} needs {unknown[0]}, which no earlier one is")
            if check.name == CHECK:
                raise ValueError(f"a check is called {CHECK}, as quality's own is")
            if check.name in seen:
                raise ValueError(f"two checks are called {check.name}")
            seen.add(check.name)
        return self


class Build(Section):
    """How the image is made.

    Attributes:
        dockerfile: Path of the Dockerfile in the repository.
        context: Path of the build context in the repository.
        image: The image's name in the registry of the `artifact_registry` block.
        label: Tag for people that is moved to an image once it was verified; each environment that
            shares a registry needs one of its own.
        args: Build arguments; `{version}` stands for the commit.
        secret_args: Build argument to Secret Manager name, for public values such as a browser's
            DSN that the code bakes in. They lie in the image: never name a real secret here.
        secrets: Name to Secret Manager name, for what the build alone needs, such as the token that
            uploads source maps. A step of the Dockerfile that names it has it, by
            `RUN --mount=type=secret,id=NAME`, and no layer; the commands before the build see it as
            a variable. Only buildx can hand it over.
        prepare: Commands run in the build's own checkout before it, each a list of words.
        builder: `auto` takes buildx where the docker CLI has it, else the engine's own builder.
        timeout_s: How long build and push may take, in seconds.
    """

    dockerfile: RepositoryPath
    context: RepositoryPath = "."
    image: str = "web"
    label: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] = "latest"
    args: dict[Variable, str] = {}
    secret_args: dict[Variable, str] = {}
    secrets: dict[Variable, str] = {}
    prepare: tuple[tuple[str, ...], ...] = ()
    builder: Literal["auto", "buildx", "engine"] = "auto"
    timeout_s: Seconds = 900

    @model_validator(mode="after")
    def _each_is_given_once(self) -> Build:
        given = [*self.args, *self.secret_args, *self.secrets]
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice:
            raise ValueError(f"{twice} stands in two of args, secret_args and secrets")
        if self.secrets and self.builder == "engine":
            raise ValueError("secrets need buildx: the engine's own builder has no way for them")
        return self


class Migrations(Section):
    """Where the migrations lie and what is expected around them.

    Attributes:
        folder: The folder with `meta/_journal.json`, or with the plain SQL files.
        by: Who applies them: `drizzle` is ours, in Drizzle's two layouts and with its own table;
            `command` is a program of the application's, with plain SQL files.
        command: The words of that program, run with DATABASE_URL while something is pending, in the
            migrations' own checkout, in which no check has installed anything; no shell reads them.
            Needed where `by` is `command`, and only there.
        command_timeout_s: How long it may take, in seconds.
        table_schema: Schema of the table that says what is applied.
        table: Name of that table.
        column: Where `by` is `command`, the table's column with the names of the applied files,
            with or without `.sql`.
        role: The database role that the application logs in as, for whom the schema contract is
            read; empty means the user of the `app_database` block's URL.
        schemas: The application's schemas; empty means all but the system's.
        declared_in: Folders and files in which the code declares the schema; with the migrations
            they tell what the database holds, so a revert leaves both as they are.
        rules: What each rule's findings lead to.
        precheck_timeout_s: How long each question to the rows of the database may take before
            anything is applied, in seconds.
        seed: Command for the reference data, run with NODE_ENV=production after applying, in the
            same checkout; empty means that there is none.
        seed_timeout_s: How long it may take, in seconds.
        watch: Globs; when none matches what changed since the deployed version, no schema or seed
            work is expected.
        policy: What each finding about the files and the database's table leads to.
        backup_instance: The Cloud SQL instance of the `gcp_project` block's project that is backed
            up before a migration destroys data; empty means that no backup is made.
        backup_timeout_s: How long the backup may take, in seconds.
        dry_run: What each finding of the dry run leads to.
        database_settings: Names under `[settings]` that say which database the application uses. A
            release keeps them; a rollback to one whose values are others is refused. Empty
            compares none.
    """

    model_config = ConfigDict(alias_generator=lambda name: name.replace("dry_run", "dry-run"))

    folder: RepositoryPath
    by: Literal["drizzle", "command"] = "drizzle"
    command: tuple[str, ...] = ()
    command_timeout_s: Seconds = 600
    table_schema: str = "drizzle"
    table: str = "__drizzle_migrations"
    column: str = "name"
    role: str = ""
    schemas: tuple[str, ...] = ()
    declared_in: tuple[RepositoryPath, ...] = ()
    rules: MigrationRules = MigrationRules()
    precheck_timeout_s: Seconds = 5
    seed: tuple[str, ...] = ()
    seed_timeout_s: Seconds = 120
    watch: tuple[str, ...] = ()
    policy: MigrationPolicy = MigrationPolicy()
    backup_instance: Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{0,96})?$")] = ""
    backup_timeout_s: Seconds = 1800
    dry_run: DryRunPolicy = DryRunPolicy()
    database_settings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _command_stands_where_it_is_run(self) -> Migrations:
        if (self.by == "command") != bool(self.command):
            raise ValueError('command belongs to by = "command": neither goes without the other')
        if self.by == "command" and not {"table", "table_schema"} <= self.model_fields_set:
            raise ValueError('by = "command" needs table_schema and table')
        return self


class Application(Section):
    """The application as it stands in its own compose file.

    Attributes:
        project: The compose project's name on the host.
        directory: Where the host keeps it.
        compose: Path of the compose file in the repository.
        caddyfile: Path of the Caddyfile in the repository.
        service: The compose service that is switched without a gap.
        proxy: The compose service that runs Caddy.
        port: The port that the service listens on inside the network.
        ready_timeout_s: How long a new container may take to become healthy, in seconds.
        drain_timeout_s: How long the old one may finish its requests, in seconds.
        retain_releases: How many earlier releases stay on the host.
    """

    project: Name
    directory: str = "/opt/trovella"
    compose: RepositoryPath
    caddyfile: RepositoryPath
    service: Name = "web"
    proxy: Name = "caddy"
    port: Annotated[int, Field(gt=0, lt=65536)] = 3000
    ready_timeout_s: Seconds = 90
    drain_timeout_s: Seconds = 30
    retain_releases: Annotated[int, Field(ge=1, le=50)] = 5


class Verify(Section):
    """What must be seen from outside.

    Attributes:
        url: The address that a user would ask.
        address: Where connections for it go instead of where its name leads, as `HOST` or
            `HOST:PORT`; name, certificate and request stay the same. Empty follows the name.
        healthy: The value that `status` in the health body must have.
        version_key: The key of the body that names the version; a body without it is identified
            by the container's digest and by the proxy's header.
        timeout_s: How long the release may take to be seen, in seconds.
        watch_rate_per_s: How often `url` is asked while a release is switched, for the picture in
            its report; 0 asks never.
        limits: What a release must keep within.
        bake_s: How long a new release is looked at again and again before it counts as good, in
            seconds; 0 looks once. Nothing else may change the target meanwhile: a rollback waits
            for its end, which is why it may not be longer; with `[hosts] further`, where it is done
            twice, half of that. A question (`ask_s`) comes on top.
        bake_interval_s: How long to wait between two looks, in seconds.
        ask_s: How long a person has to decide in the UI when a part of the evidence is missing, in
            seconds; 0 asks nobody.
        ask_default: What holds when nobody can be asked, or nobody answers.
    """

    url: Annotated[str, Field(pattern=r"^https?://")]
    address: HostAndPort = ""
    healthy: str = "healthy"
    version_key: str = "version"
    timeout_s: Seconds = 60
    watch_rate_per_s: Annotated[float, Field(ge=0, le=50)] = 10
    limits: Limits = Limits()
    bake_s: Annotated[float, Field(ge=0, le=LONGEST_BAKE_S)] = 0
    bake_interval_s: Seconds = 15
    ask_s: Annotated[int, Field(ge=0, le=86_400)] = 900
    ask_default: Literal["refuse", "go"] = "refuse"

    @property
    def path(self) -> str:
        """Return what a container is asked for itself: the path of the address."""
        return urlsplit(self.url).path or "/"


class Notifications(Section):
    """Who is told when a run failed, rolled back, holds or asks a person.

    Attributes:
        webhook_block: Name of the Prefect block of the kind Webhook that holds the address, which
            is a secret; empty tells nobody.
    """

    webhook_block: Name | Literal[""] = ""


class Environment(Section):
    """One environment, as its file describes it.

    Attributes:
        name: `production`, `rehearsal` and so on; equals the file's name.
        repository: Where git fetches the application from.
        branch: Commits must be reachable from it, unless `may_go` names others.
        may_go: Which branches commits come from, and when deploys may begin.
        blocks: The Prefect blocks with addresses and credentials.
        hosts: The hosts beside the first, and how a release comes to them.
        quality: What must hold of a commit.
        build: How its image is made.
        migrations: Where the migrations lie, and what is expected of them.
        application: What runs on the host.
        verify: What must be seen from outside.
        notifications: Who is told.
        secrets: Variable of the application's `.env` to name in Secret Manager: the one list of all
            secrets, which every run reads before it changes anything.
        settings: Variables of `.env` that are no secrets.
        manifest: Which of the application's files are held against these lists.
        github: Where a revert is proposed; None means that nobody said so.
        promotion: From where verified releases are promoted here; None means from nowhere.
    """

    name: Name
    repository: str
    branch: str = "main"
    may_go: MayGo = MayGo()
    blocks: Blocks
    hosts: Hosts = Hosts()
    quality: Quality = Quality()
    build: Build
    migrations: Migrations
    application: Application
    verify: Verify
    notifications: Notifications = Notifications()
    secrets: dict[Variable, str]
    settings: dict[Variable, str] = {}
    manifest: Manifest = Manifest()
    github: GitHub | None = None
    promotion: Promotion | None = None

    @property
    def secret_names(self) -> frozenset[str]:
        """Return all that any run reads in Secret Manager, by its name there.

        The application's secrets, the build's, and GitHub's token.
        """
        token = (self.github.token,) if self.github else ()
        return frozenset((*self.secrets.values(), *self.build.secrets.values(), *token))

    @model_validator(mode="after")
    def _each_is_named_once(self) -> Environment:
        if self.blocks.target_host in self.hosts.further:
            raise ValueError("hosts.further names blocks.target_host, which is the first already")
        if self.hosts.further and self.verify.bake_s > LONGEST_BAKE_S / 2:
            raise ValueError(
                f"verify.bake_s is done twice with hosts.further: at most {LONGEST_BAKE_S // 2}"
            )
        listed = set(self.secrets.values())
        for name, secret in self.build.secret_args.items():
            if secret not in listed:
                raise ValueError(f"build.secret_args.{name} names {secret}, which [secrets] lacks")
        for name in self.secrets.keys() & self.settings.keys():
            raise ValueError(f"{name} stands in [secrets] and in [settings]")
        for name in self.migrations.database_settings:
            if name not in self.settings:
                raise ValueError(
                    f"migrations.database_settings names {name}, which [settings] lacks"
                )
        return self


@lru_cache(maxsize=8)
def parse_environment(path: str, text: str) -> Environment:
    """Return the environment that a file describes; each task of a run asks for the same one.

    Args:
        path: The file's path, named in errors.
        text: The file's whole text, TOML.

    Raises:
        ConfigInvalid: When the text is no TOML, a key is missing or unknown, or a value does not
            fit; names the path and the key.
    """
    try:
        return Environment.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(path, f"is no TOML: {error}") from error
    except ValidationError as error:
        raise ConfigInvalid(path, _sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """Return the first problem as `key: problem`, and how many more there are."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    first: Any = problems[0]
    key = ".".join(str(part) for part in first["loc"]) or "file"
    told = {"extra_forbidden": "is not a known key", "missing": "is missing"}
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{key} {told.get(first['type'], first['msg'])}{more}"
