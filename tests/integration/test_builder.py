"""Images really built and pushed, by buildx and by the engine alone."""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rollout.config import Build
from rollout.decide import image as decide_image
from rollout.decide.image import ImageOrder
from rollout.errors import BuildFailed, CommandTimedOut, ConfigInvalid, EngineError
from rollout.executors.builder import build_and_push, forget_images
from rollout.executors.registry import Registry
from rollout.model.command import Secret
from tests.support.google import registry_login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.release import Image
    from rollout.model.target import RegistryLogin

pytestmark = pytest.mark.rehearsal

DOCKERFILE = """
FROM busybox:1
ARG APP_VERSION
ARG DSN
ENV APP_VERSION=$APP_VERSION
COPY greeting /greeting
RUN echo "building $APP_VERSION with $DSN" && cat /greeting
"""
DSN = "https://publickey22@sentry.example/1"
VERSION = "c0ffee" + "0" * 34


@pytest.fixture(params=["buildx", "engine"])
def builder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def name() -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    yield name
    images = docker("images", "--quiet", "--no-trunc", f"{registry_login().repository(name)}")
    if images:
        docker("rmi", "--force", *images.split())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "apps/web").mkdir(parents=True)
    (tmp_path / "apps/web/Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "greeting").write_text(f"hello {secrets.token_hex(4)}\n")
    return tmp_path


def docker(*words: str) -> str:
    return subprocess.run(("docker", *words), capture_output=True, text=True, check=True).stdout


class Job:
    """One build and what it logged."""

    def __init__(self, source: Path, name: str, builder: str, **settings: Any) -> None:
        self.source = source
        self.name = name
        self.build = Build.model_validate(
            {"dockerfile": "apps/web/Dockerfile", "image": name, "builder": builder, **settings}
        )
        self.secrets: dict[str, Secret] = {}
        self.logged: list[str] = []
        self.given: list[RegistryLogin] = []

    def run(self, login: RegistryLogin | None = None, then: RegistryLogin | None = None) -> Image:
        """Build and push; the first time that it asks it is given `login`, and `then` later."""
        login = login or registry_login()
        self.given = [login, then or login]
        order = ImageOrder(
            f"{login.repository(self.name)}:{VERSION}",
            {"APP_VERSION": VERSION, "DSN": Secret(DSN)},
            {"org.opencontainers.image.revision": VERSION, "words": "two words"},
            self.secrets,
        )
        return build_and_push(
            self.build, self.source, order, lambda: self.given.pop(0), log=self.logged.append
        )


def test_the_digest_is_what_the_registry_has(source: Path, name: str, builder: str):
    job = Job(source, name, builder)

    image = job.run()

    assert image.repository == f"us-central1-docker.pkg.dev/trovella-shared/trovella/{name}"
    assert Registry(registry_login()).digest(name, VERSION) == image.digest
    facts = json.loads(docker("inspect", f"{image.repository}:{VERSION}"))[0]
    assert image.reference in facts["RepoDigests"]
    assert f"APP_VERSION={VERSION}" in facts["Config"]["Env"]
    assert facts["Config"]["Labels"]["org.opencontainers.image.revision"] == VERSION
    assert facts["Config"]["Labels"]["words"] == "two words"
    # Output came as it was written, and secrets stayed out of it.
    assert any("hello" in line for line in job.logged)
    assert any(f"building {VERSION} with ********" in line for line in job.logged)
    assert not any("publickey22" in line for line in job.logged)


def test_building_again_gives_the_same_digest(source: Path, name: str):
    assert Job(source, name, "buildx").run() == Job(source, name, "auto").run()


def test_no_process_list_shows_a_secret(source: Path, name: str, builder: str):
    (source / "apps/web/Dockerfile").write_text(f"{DOCKERFILE}RUN sleep 2\n")
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_text(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    login = registry_login()
    try:
        Job(source, name, builder).run(login)
    finally:
        ended.set()
        watcher.join()

    if builder == "buildx":
        assert any("--build-arg=DSN\0" in line for line in seen)
    ours = [line for line in seen if line.startswith("docker\0")]
    assert not any("publickey22" in line or login.token.reveal() in line for line in ours)
    assert not any(login.token.reveal() in line for line in seen)


def test_a_build_that_fails_shows_its_last_lines(source: Path, name: str, builder: str):
    (source / "apps/web/Dockerfile").write_text(
        f"{DOCKERFILE}RUN echo no such module: left-pad >&2 && exit 7\n"
    )

    with pytest.raises(BuildFailed) as failed:
        Job(source, name, builder).run()

    assert "no such module: left-pad" in failed.value.true
    assert "publickey22" not in str(failed.value)
    assert failed.value.left == (
        "No image of this version was published; nothing else was changed."
    )
    assert Registry(registry_login()).digest(name, VERSION) is None


def test_a_missing_dockerfile_is_told(source: Path, name: str, builder: str):
    with pytest.raises((BuildFailed, EngineError), match=r"nowhere"):
        Job(source, name, builder, dockerfile="nowhere/Dockerfile").run()


def test_a_refused_push_is_told_and_its_token_is_not(source: Path, name: str, builder: str):
    login = registry_login(token=Secret("not-the-token"))

    with pytest.raises(BuildFailed) as failed:
        Job(source, name, builder).run(login)

    assert "not-the-token" not in str(failed.value)
    assert Registry(registry_login()).digest(name, VERSION) is None


def test_a_login_that_expires_during_the_build_is_asked_for_anew(
    source: Path, name: str, builder: str
):
    job = Job(source, name, builder)

    image = job.run(registry_login(token=Secret("expired")), then=registry_login())

    assert Registry(registry_login()).digest(name, VERSION) == image.digest
    assert job.given == []
    # It was built once: the second time there was only the push left.
    ran = [line for line in job.logged if f"building {VERSION} with" in line and "RUN" not in line]
    assert len(ran) == 1


def test_what_was_built_long_ago_and_is_not_in_use_goes(source: Path, name: str, monkeypatch):
    kept = Job(source, name, "buildx").run()
    label = f"--label=com.docker.compose.project={name}"
    container = docker("create", label, f"{kept.repository}:{VERSION}").strip()
    (source / "greeting").write_text("another\n")
    other = Job(source, f"{name}-2", "buildx").run()
    logged: list[str] = []

    def forget(project: str) -> list[bool]:
        for image in (kept, other):
            forget_images(image.repository, project, log=logged.append)
        return [bool(docker("images", "--quiet", one.repository)) for one in (kept, other)]

    try:
        of_today = forget("elsewhere")
        monkeypatch.setattr(decide_image, "KEPT_IMAGE_S", -60.0)
        # Where the application itself runs, its releases' images are not the build's to remove.
        shared, own = forget(name), forget("elsewhere")
    finally:
        docker("rm", container)
    assert (of_today, shared, own) == ([True, True], [True, True], [True, False])
    assert logged == ["images that were built here over a week ago, removed: 1"]


def test_an_engine_that_is_away_keeps_no_build_from_being_done(monkeypatch):
    logged: list[str] = []
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", "unix:///run/no-such-engine.sock")
        forget_images("localhost:5000/web", "web", log=logged.append)

    (line,) = logged
    assert line.startswith("old images were not removed: the Docker engine cannot be used")


SECRET = "sntrys_source_maps_22"
ASKS = """
FROM busybox:1
RUN --mount=type=secret,id=SENTRY_AUTH_TOKEN,required \\
    echo "uploads with $(cat /run/secrets/SENTRY_AUTH_TOKEN)" && \\
    wc -c </run/secrets/SENTRY_AUTH_TOKEN >/length
RUN test ! -e /run/secrets/SENTRY_AUTH_TOKEN
"""


def test_a_secret_of_the_build_reaches_its_step_and_no_layer(source: Path, name: str):
    # The builder's cache does not ask what a secret is: the name makes it a step of its own.
    (source / "apps/web/Dockerfile").write_text(ASKS.replace("uploads", f"{name} uploads"))
    job = Job(source, name, "buildx", prepare=(("sh", "-c", "echo with $SENTRY_AUTH_TOKEN"),))
    job.secrets = {"SENTRY_AUTH_TOKEN": Secret(SECRET)}

    image = job.run()

    tag = f"{image.repository}:{VERSION}"
    length = docker("run", "--rm", tag, "cat", "/length")
    assert int(length) == len(SECRET)
    saved = subprocess.run(("docker", "save", tag), capture_output=True, check=True)
    assert SECRET.encode() not in saved.stdout
    assert job.logged[0] == "with ********"
    assert any("uploads with ********" in line for line in job.logged)
    assert not any(SECRET in line for line in job.logged)


def test_a_secret_of_the_build_needs_buildx(source: Path, name: str):
    job = Job(source, name, "engine")
    job.secrets = {"SENTRY_AUTH_TOKEN": Secret(SECRET)}

    with pytest.raises(ConfigInvalid, match=r"build.secrets: only buildx hands them .* install"):
        job.run()

    assert Registry(registry_login()).digest(name, VERSION) is None


def test_commands_before_the_build_see_its_arguments(source: Path, name: str, builder: str):
    prepare = (("sh", "-c", "echo prepared $APP_VERSION $DSN | tee greeting"),)
    job = Job(source, name, builder, prepare=prepare)

    job.run()

    assert job.logged[0] == f"prepared {VERSION} ********"
    assert (source / "greeting").read_text() == f"prepared {VERSION} {DSN}\n"


def test_a_command_before_the_build_that_fails_ends_it(source: Path, name: str):
    with pytest.raises(BuildFailed) as failed:
        Job(source, name, "auto", prepare=(("sh", "-c", "echo out of memory; exit 137"),)).run()

    assert failed.value.true == (
        "`sh -c 'echo out of memory; exit 137'` ended with 137\n  out of memory"
    )
    assert failed.value.words == ("sh", "-c", "echo out of memory; exit 137")


def test_a_build_that_hangs_is_stopped(source: Path, name: str, builder: str):
    (source / "apps/web/Dockerfile").write_text(f"FROM busybox:1\nRUN echo {name} && sleep 30\n")
    started = time.monotonic()

    with pytest.raises((CommandTimedOut, EngineError), match=r"did not end within 3 s|timed out"):
        Job(source, name, builder, timeout_s=3).run()

    assert time.monotonic() - started < 20


def test_an_engine_that_does_not_run_is_told(source, name, builder: str, monkeypatch):
    # The fixture that cleans up afterwards needs the engine, so only this block loses it.
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", "unix:///run/no-such-engine.sock")
        with pytest.raises((BuildFailed, EngineError), match=r"no-such-engine|cannot be used"):
            Job(source, name, builder).run()


def test_nothing_of_the_login_stays_on_the_worker(source, name, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    Job(source, name, "buildx").run()

    assert list((tmp_path / "temporary").iterdir()) == []
