"""Builds the application's image and pushes it: with buildx where there is one, else the engine.

The registry's token reaches Docker by a throw-away configuration folder or by the SDK, never as an
argument. Either way the digest that the registry was given is the result.

A token lives an hour, and only some minutes more where the machine's metadata server hands out one
that it has had for a while. So the engine's push has a new one, and buildx, which reads it when the
build begins, has one more try when the registry does not take it any more: the layers are there by
then, and only the push is left.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rollout.decide.image import missing_arguments, outdated_images
from rollout.errors import (
    BuildFailed,
    ConfigInvalid,
    EngineError,
    RegistryError,
    RegistryRefused,
)
from rollout.executors.clock import unix_s
from rollout.executors.engine import engine
from rollout.executors.masking import masking
from rollout.executors.process import run_local
from rollout.executors.registry import Registry
from rollout.model.command import Command, Secret
from rollout.model.release import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from rollout.config import Build
    from rollout.decide.image import ImageOrder
    from rollout.executors.process import Log
    from rollout.model.target import RegistryLogin

    Ask = Callable[[], RegistryLogin]

BuildStage = Literal["prepare", "build", "push"]
PROJECT_LABEL = "com.docker.compose.project"
LAST_LINES = 25
"""How many of the last lines stand in the error."""
# What of a person's Docker configuration a throw-away one goes on using.
_SHARED = ("cli-plugins", "buildx", "contexts")
# Docker would ask these for a password instead of reading the one that it is given.
_HELPERS = ("credsStore", "credHelpers")
_NEED_BUILDX = (
    "only buildx hands them to a build, and this machine's Docker has none: install docker-buildx"
)
_PASSED_ON = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


def build_and_push(build: Build, source: Path, order: ImageOrder, ask: Ask, *, log: Log) -> Image:
    """Build an image from a checkout, push it, and return what the registry holds now.

    Args:
        build: How it is built.
        source: The checkout's folder.
        order: What to make.
        ask: Returns how to log in to the registry, with a token of now; called twice at most.
        log: Called with each line that the builder, and the commands before it, write.

    Raises:
        ConfigInvalid: When Google does not accept the credentials that ask for a token, or the
            build has secrets and the worker's Docker no buildx.
        BuildFailed: When a command before the build, the build or the push fails, with its last
            lines.
        CommandTimedOut: When a command, or the build with buildx, takes longer than allowed.
        EngineError: When the engine cannot be used.
    """
    _prepare(build, source, order, log)
    try:
        digest = _pushed(build, source, order, ask, log)
    except BuildFailed as failure:
        dockerfile = source / build.dockerfile
        text = dockerfile.read_text("utf-8", errors="replace") if dockerfile.is_file() else ""
        failure.missing_arguments = missing_arguments(text, order.args)
        raise
    return Image(order.repository, digest)


def _pushed(build: Build, source: Path, order: ImageOrder, ask: Ask, log: Log) -> str:
    login = ask()
    with _docker_environment(login) as env:
        if not _has_buildx(build, env):
            if order.secrets:
                raise ConfigInvalid("build.secrets", _NEED_BUILDX)
            return _build_with_engine(build, source, order, ask, log)
        try:
            return _build_with_buildx(build, source, order, env, log)
        except BuildFailed:
            if _takes(login, build, order):
                raise
            fresh = ask()
            if fresh == login:
                raise
    log("the registry's login has expired during the build: the push is tried with a new one")
    with _docker_environment(fresh) as env:
        return _build_with_buildx(build, source, order, env, log)


def forget_images(repository: str, project: str, *, log: Log) -> None:
    """Remove the images of a repository that were built here long ago; what is in use stays.

    Where the application itself runs on this engine nothing is removed: its releases' images are
    kept there for as long as somebody may go back to them. An engine that cannot do it now is no
    reason for a build to fail: the next one tries again.

    Args:
        repository: The image's name without a tag.
        project: The application's compose project.
        log: Called with what was removed, or why nothing was.
    """
    try:
        with engine() as there:
            if any(name == project for name, _ in there.labelled(PROJECT_LABEL).values()):
                return
            outdated = outdated_images(there.images(repository), unix_s())
            removed = sum(there.forget(image) for image in outdated)
    except EngineError as error:
        log(f"old images were not removed: {error.true}")
        return
    if removed:
        log(f"images that were built here over a week ago, removed: {removed}")


def _takes(login: RegistryLogin, build: Build, order: ImageOrder) -> bool:
    """Return whether the registry takes a login; one that cannot be asked is not to blame on it."""
    try:
        Registry(login).digest(build.image, order.reference.rpartition(":")[2])
    except RegistryRefused:
        return False
    except RegistryError:
        return True
    return True


def _prepare(build: Build, source: Path, order: ImageOrder, log: Log) -> None:
    """Run what the build needs done in the checkout; it sees the build's arguments and secrets."""
    for words in build.prepare:
        command = Command(words, timeout_s=build.timeout_s)
        result = run_local(command, cwd=source, env={**order.args, **order.secrets}, log=log)
        if not result.ok:
            lines = f"{result.stdout}\n{result.stderr}".splitlines()
            told = f"`{command.display()}` ended with {result.exit_code}"
            failure = _failed(told, lines, "prepare")
            failure.words = words
            raise failure


def _has_buildx(build: Build, env: Mapping[str, str]) -> bool:
    if build.builder != "auto":
        return build.builder == "buildx"
    version = Command(("docker", "buildx", "version"), changes=False)
    return run_local(version, cwd=Path.cwd(), env=env, log=lambda _: None).ok


@contextmanager
def _docker_environment(login: RegistryLogin) -> Generator[dict[str, str]]:
    """Yield variables under which Docker's command line is logged in, until this block ends."""
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="trovella-docker-") as folder:
        config = Path(folder)
        for name in _SHARED:
            if (own / name).exists():
                (config / name).symlink_to(own / name)
        written = config / "config.json"
        written.touch(mode=0o600)
        written.write_text(json.dumps(_logged_in(own / "config.json", login)), encoding="utf-8")
        yield {**passed_on, "DOCKER_CONFIG": folder}


def _logged_in(path: Path, login: RegistryLogin) -> dict[str, Any]:
    """Return a person's Docker configuration with one login more."""
    config: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    pair = f"{login.username}:{login.token.reveal()}".encode()
    auths = {**config.get("auths", {}), login.host: {"auth": base64.b64encode(pair).decode()}}
    kept = {key: value for key, value in config.items() if key not in _HELPERS}
    return {**kept, "auths": auths}


def _build_with_buildx(
    build: Build, source: Path, order: ImageOrder, env: Mapping[str, str], log: Log
) -> str:
    metadata = Path(env["DOCKER_CONFIG"], "metadata.json")
    secret = {name: value for name, value in order.args.items() if isinstance(value, Secret)}
    command = _buildx_command(build, order, metadata)
    result = run_local(command, cwd=source, env={**env, **secret, **order.secrets}, log=log)
    if not result.ok:
        raise _failed("the image was not built and pushed", result.stderr.splitlines())
    return str(json.loads(metadata.read_text("utf-8"))["containerimage.digest"])


def _buildx_command(build: Build, order: ImageOrder, metadata: Path) -> Command:
    """Return the build's command; what is secret is named there and its value is not."""
    args = (
        f"--build-arg={name}" if isinstance(value, Secret) else f"--build-arg={name}={value}"
        for name, value in order.args.items()
    )
    labels = (f"--label={name}={value}" for name, value in order.labels.items())
    secrets = (f"--secret=id={name},env={name}" for name in order.secrets)
    return Command(
        (
            *("docker", "buildx", "build", "--push", "--progress=plain"),
            f"--file={build.dockerfile}",
            f"--tag={order.reference}",
            f"--metadata-file={metadata}",
            *args,
            *labels,
            *secrets,
            "--",
            build.context,
        ),
        timeout_s=build.timeout_s,
    )


def _build_with_engine(build: Build, source: Path, order: ImageOrder, ask: Ask, log: Log) -> str:
    """Build with what every engine has, and read the digest from what the push says."""
    mask = masking([value for value in order.args.values() if isinstance(value, Secret)])
    args = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in order.args.items()
    }
    deadline = time.monotonic() + build.timeout_s
    told = _Told(log, mask, deadline)
    with engine(int(build.timeout_s)) as there:
        context, dockerfile = source / build.context, source / build.dockerfile
        told.follow(
            there.build(
                str(context), str(dockerfile), order.reference, args=args, labels=order.labels
            ),
            "the image was not built",
        )
        login = ask()
        told.follow(
            there.push(order.reference, login.username, login.token),
            "the image was built, but not pushed",
            "push",
        )
    if not told.digest:
        raise _failed("the engine did not say what it pushed", told.last)
    return told.digest


class _Told:
    """Follows what an engine says of a build or a push: errors are events, no exceptions."""

    def __init__(self, log: Log, mask: Callable[[str], str], deadline: float) -> None:
        self._log = log
        self._mask = mask
        self._deadline = deadline
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.digest = ""

    def follow(
        self, events: Iterator[dict[str, Any]], what: str, stage: BuildStage = "build"
    ) -> None:
        """Log all events; raise `BuildFailed` on an error, and when there is no time left."""
        for event in events:
            for line in map(self._mask, _lines(event)):
                self._log(line)
                self.last.append(line)
            self.digest = event.get("aux", {}).get("Digest", self.digest)
            if "error" in event:
                raise _failed(what, self.last, stage)
            if time.monotonic() > self._deadline:
                raise _failed(f"{what} in the time that it has", self.last, stage)


def _lines(event: dict[str, Any]) -> list[str]:
    """Return an event's lines; the progress of a layer, several a second, is left out."""
    if "progressDetail" in event and event.get("progressDetail"):
        return []
    status = " ".join(str(event[key]) for key in ("id", "status") if key in event)
    return str(event.get("stream") or event.get("error") or status).rstrip().splitlines()


def _failed(what: str, lines: Iterable[str], stage: BuildStage = "build") -> BuildFailed:
    last = [line for line in lines if line.strip()][-LAST_LINES:]
    told = "\n".join(f"  {line}" for line in last) or "  nothing written"
    failure = BuildFailed(
        f"{what}\n{told}",
        left="No image of this version was published; nothing else was changed.",
        next_step="Correct what the last lines name.",
    )
    failure.stage, failure.lines = stage, tuple(last)
    return failure
