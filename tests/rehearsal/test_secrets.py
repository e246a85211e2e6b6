"""Secrets through the whole pipeline: planted, rotated, taken away, and looked for everywhere.

One world, in order. Every secret has a value of this module's own; the process list is watched from
the first deploy to the last run, and the last tests look for the values wherever they might be.
"""

from __future__ import annotations

import json
import secrets as chance
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from infra.rehearsal import facts as places
from infra.rehearsal import machines
from infra.rehearsal.google_rules import Version
from infra.rehearsal.pipeline import read_settings
from rollout.executors.files import read_environment
from tests.support.secret_store import add, disabled, full, newest, store
from tests.support.sentinel import Processes, Sentinels, watching_processes
from tests.support.world import (
    Run,
    commit,
    commit_that_prints,
    health,
    on_host,
    probing,
    rehearsal,
    serving_version,
    trigger,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from infra.rehearsal.machines import Machine

pytestmark = pytest.mark.rehearsal

# These open doors, so they keep their values, and their passwords are looked for.
DATABASE, REDIS = "trovella-database-url", "trovella-upstash-redis-url"
MAIL, SEARCH, DSN = "trovella-resend-api-key", "trovella-typesense-api-key", "trovella-sentry-dsn"
# What the build alone needs.
UPLOADS = "trovella-sentry-auth-token"
FOURTEEN = 14


@dataclass(frozen=True, slots=True)
class Planted:
    """What was planted.

    Attributes:
        texts: What to look for, by secret and version; grows with each rotation.
        processes: What the process list showed since then.
        version: The commit that was deployed with it.
    """

    texts: dict[str, str]
    processes: Processes
    version: str


# --- means ---


def marker() -> str:
    return f"planted{chance.token_hex(12)}"


def plant(name: str, texts: dict[str, str]) -> str:
    """Give a secret a version with a marker that is looked for later; return its number."""
    text = marker()
    version = add(name, f"https://{text}.example" if name.endswith("-url") else text)
    texts[f"{name} {version}"] = text
    return version


def release_of(number: int | str = "current") -> dict[str, Any]:
    """Return a release as the host describes it."""
    folder = "current" if number == "current" else f"releases/{number}"
    return json.loads(on_host(f"cat /opt/trovella/{folder}/release.json"))


def ledger() -> list[dict[str, Any]]:
    return [json.loads(line) for line in on_host("cat /opt/trovella/ledger.jsonl").splitlines()]


def created_since(since: str) -> list[str]:
    """Return the services whose containers were made on the host since then."""
    form = '{{index .Actor.Attributes \\"com.docker.compose.service\\"}}'
    filters = "--filter type=container --filter event=create"
    told = on_host(f'docker events --since {since} --until $(date +%s) {filters} --format "{form}"')
    return sorted(told.split())


def now_on_host() -> str:
    return on_host("date +%s.%N").strip()


def assert_refused(run: Run, *words: str, state: str = "Failed") -> None:
    assert run.state == state, run.log
    for word in (*words, "\nleft: ", "\nnext: "):
        assert word in run.message, run.message
    assert health()["status"] == "healthy"


# --- the runs ---


@pytest.fixture(scope="module")
def planted() -> Generator[Planted]:
    """Plant a value in every secret, deploy, and watch the process list from then on."""
    texts = {name: urlsplit(newest(name)[1]).password or "" for name in (DATABASE, REDIS)}
    settings = read_environment("rehearsal")
    names = sorted(settings.secrets.values())
    assert len(names) == FOURTEEN
    for name in (*names, *settings.build.secrets.values()):
        if name not in texts:
            plant(name, texts)
    control = marker()
    with watching_processes() as processes:
        subprocess.run(["sh", "-c", "sleep 0.3", control], check=True)
        assert any(control.encode() in line for line in processes.seen)
        version = commit()
        run = trigger("deploy", commit=version)
        assert run.exit_code == 0, run.log
        yield Planted(texts, processes, version)


def test_a_release_knows_its_versions_and_its_containers_their_values(planted: Planted):
    known = release_of()["secret_versions"]
    variables = json.loads(on_host(
        "docker exec $(docker ps -q --filter label=trovella-deploy.release) "
        "node -e 'console.log(JSON.stringify(process.env))'"
    ))  # fmt: skip

    assert len(known) == FOURTEEN
    assert known[MAIL] == newest(MAIL)[0]
    assert variables["RESEND_API_KEY"] == planted.texts[f"{MAIL} {known[MAIL]}"]


def test_everything_that_is_missing_is_named_before_anything_changes(planted: Planted):
    before, version = ledger(), commit()
    with store() as there:
        taken = {name: there.secrets.pop(full(name)) for name in (DSN, UPLOADS)}
        there.secrets[full(MAIL)].append(Version("ENABLED", " \n"))
    try:
        with disabled(SEARCH, newest(SEARCH)[0]):
            run = trigger("deploy", commit=version)
    finally:
        with store() as there:
            there.secrets |= {full(name): versions for name, versions in taken.items()}
            there.secrets[full(MAIL)].pop()

    assert_refused(
        run,
        "4 of 15 secrets",
        f"{SEARCH} is disabled",
        f"{DSN} does not exist or has no version",
        f"{UPLOADS} does not exist or has no version",
        f"{MAIL} is empty",
    )
    assert run.tasks["preflight"] == "Failed"
    assert not {"migrate-prod: plan", "build-push", "migrate-prod", "deploy-prod"} & set(run.tasks)
    assert ledger() == before
    assert serving_version() == planted.version


def test_nothing_new_is_skipped(planted: Planted):
    containers = on_host("docker ps --no-trunc --quiet")

    run = trigger("sync-secrets")

    assert (run.exit_code, run.state) == (0, "Skipped"), run.log
    assert run.message == "what serves has the newest version of every secret"
    assert on_host("docker ps --no-trunc --quiet") == containers


@pytest.mark.parametrize(("name", "others"), [(MAIL, []), (SEARCH, ["typesense"])])
def test_a_rotation_loses_nothing_and_touches_only_what_uses_the_secret(
    planted: Planted, name: str, others: list[str]
):
    former, since = release_of(), now_on_host()
    version = plant(name, planted.texts)

    with probing() as probe:
        run = trigger("sync-secrets", actor="ada")

    assert run.exit_code == 0, run.log
    assert probe.result()["sent"] > 40
    assert probe.result()["lost"] == 0, probe.result()
    made = release_of()
    assert created_since(since) == [*others, f"web-r{made['number']}"]
    assert made["number"] == former["number"] + 1
    assert made["secret_versions"] == {**former["secret_versions"], name: version}
    assert made["reason"] == f"secrets: {name} {former['secret_versions'][name]} -> {version}"
    assert (made["image"], made["version"]) == (former["image"], former["version"])
    assert [entry["event"] for entry in ledger()[-3:]] == ["migrated", "activated", "verified"]
    assert planted.texts[f"{name} {version}"] in on_host("cat /opt/trovella/.env")


def test_a_rotation_that_does_not_serve_is_left_again(planted: Planted):
    former = release_of()["number"]
    good = newest(REDIS)[1]
    text = planted.texts["a wrong password"] = marker()
    add(REDIS, f"redis://:{text}@redis.upstash.rehearsal:6379")

    with probing() as probe:
        run = trigger("sync-secrets", reason="a test")

    words = "degraded", f"Release {former} ", "is serving again"
    assert_refused(run, *words, state="RolledBack")
    assert probe.result()["lost"] == 0, probe.result()
    assert release_of()["number"] == former
    add(REDIS, good)
    assert trigger("sync-secrets").exit_code == 0


def test_a_failed_deploy(planted: Planted):
    assert_refused(trigger("deploy", commit=commit("health")), "is unhealthy")


def test_a_container_that_prints_a_secret_and_dies(planted: Planted):
    """What Prefect keeps of it, and every file, is searched by the last tests."""
    sentinels = Sentinels(planted.texts)

    run = trigger("deploy", commit=commit_that_prints("RESEND_API_KEY"))

    assert_refused(run, "Invalid URL", "********")
    assert sentinels.within(run.log.encode()) == set()
    assert sentinels.within(run.message.encode()) == set()


def test_an_earlier_release_whose_secret_was_disabled_is_refused_unless_the_newest_is_taken(
    planted: Planted,
):
    present, first = release_of(), _first_with(planted.version)
    version = first["secret_versions"][MAIL]
    wanted = str(first["number"])
    with disabled(MAIL, version):
        refused = trigger("rollback", to=wanted, reason="a test")
        assert_refused(
            refused,
            f"version {version} of {MAIL}, which release {wanted} was made with",
            "it is disabled",
            "secrets=newest",
        )
        assert release_of() == present

        run = trigger("rollback", to=wanted, reason="a test", secrets="newest")

    assert run.exit_code == 0, run.log
    made = release_of()
    assert made["restores"] == first["number"]
    assert made["image"] == first["image"]
    assert made["secret_versions"] == present["secret_versions"]
    assert made["reason"] == "a test"


def test_an_earlier_release_has_its_own_secrets_also_when_its_file_is_gone(planted: Planted):
    first = _first_with(planted.version)
    on_host(f"rm /opt/trovella/releases/{first['number']}/.env")

    run = trigger("rollback", to=str(first["number"]), reason="a test")

    assert run.exit_code == 0, run.log
    assert release_of() == first
    lines = on_host("cat /opt/trovella/.env; stat -c %a /opt/trovella/.env").splitlines()
    own = planted.texts[f"{MAIL} {first['secret_versions'][MAIL]}"]
    assert f"RESEND_API_KEY='{own}'" in lines
    assert lines[-1] == "600"


def _first_with(version: str) -> dict[str, Any]:
    numbers = [entry["release"] for entry in ledger() if entry["version"] == version]
    return release_of(min(numbers))


# --- nowhere else ---


@pytest.fixture(scope="module")
def sentinels(planted: Planted) -> Sentinels:
    return Sentinels(planted.texts)


@pytest.fixture(scope="module")
def vm() -> Machine:
    return machines.fresh_vm(rehearsal(), "vm", places.VM)


def test_the_search_finds_every_form():
    one = Sentinels({"it": "planted0123456789abcdef"})

    for n in range(4):
        assert one.within(b64encode(b"x" * n + b"planted0123456789abcdef" + b"y" * n)) == {"it"}
    assert one.within(b"a planted0123456789abcdef b") == {"it"}
    assert one.within(b"planted0123456789abcdee") == set()


def test_no_process_list_showed_a_secret(planted: Planted, sentinels: Sentinels):
    seen = planted.processes.seen
    lines = [line.replace(b"\0", b" ") for line in seen]
    # The host's processes, the worker's and the builder's were among them.
    for word in (b"docker compose --project-name trovella", b"prefect", b"docker buildx build"):
        assert any(word in line for line in lines), word

    assert [line for line in lines if sentinels.within(line)] == []


def test_prefects_database_holds_no_secret(planted: Planted, sentinels: Sentinels):
    settings = read_settings(rehearsal().state / "server.env")
    url = settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"].replace("+asyncpg", "")

    # The same search finds what is there: in the runs, the logs, the artifacts, the events.
    known = Sentinels({"version": planted.version}).rows_of(url)
    assert {"flow_run", "log", "artifact", "events"} <= set(known)
    assert sentinels.rows_of(url) == {}


def test_no_file_but_the_environment_files_holds_a_secret(sentinels: Sentinels):
    """All that the worker, the server, the builder, the registry and the host have on a disk.

    Left out is what stands for Google and the provider of the database: they know the secrets.
    """
    state = rehearsal().state
    own = ("google", "passwords.json", "world.json", "machines/cloud")

    found = sentinels.below(state, without=tuple(state / name for name in own))
    found |= sentinels.packed_below(state / "registry")

    kinds = {_kind(path.relative_to(state).as_posix(), names) for path, names in found.items()}
    assert kinds == {"an environment file", "a container's own", "a build's public argument"}


def _kind(path: str, names: set[str]) -> str:
    """Return what a file that may hold secrets is called; any other one is named by its path."""
    host = path.removeprefix("machines/vm/")
    if host.startswith("upper/opt/trovella/") and host.endswith("/.env"):
        return "an environment file"
    # The engine and its containerd keep each container's settings, for root alone.
    if host.startswith("docker/containers/") and host.endswith("/config.v2.json"):
        return "a container's own"
    if host == "docker/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db":
        return "a container's own"
    # The browser's code is to hold this one for everybody; a builder remembers its arguments.
    if path.startswith("machines/builder/docker/buildkit/") and _only(DSN, names):
        return "a build's public argument"
    return f"{path}: {sorted(names)}"


def _only(secret: str, names: set[str]) -> bool:
    return {name.split()[0] for name in names} == {secret}


def test_nothing_in_the_hosts_memory_file_systems_holds_a_secret(vm: Machine, sentinels: Sentinels):
    """What the engine has under /run is the containers' own environment."""
    patterns = b"\n".join(sentinels.forms).decode()
    search = (
        "cat >/run/patterns; grep -rlaF -f /run/patterns /run /tmp /dev/shm || true;"
        " rm /run/patterns"
    )

    found = vm.run("sh", "-c", search, stdin=patterns).split()

    told = [path for path in found if path != "/run/patterns" and "/containerd/" not in path]
    assert told == []


def test_no_other_container_has_more_than_it_uses(planted: Planted):
    words = "docker inspect --format '{{.Name}} {{json .Config}}' $(docker ps --quiet)"
    configs = dict(line.split(" ", 1) for line in on_host(words).splitlines())
    sentinels = Sentinels(planted.texts)
    holders = {name: sentinels.within(text.encode()) for name, text in configs.items()}

    web = next(name for name in holders if "web-r" in name)
    assert len(holders.pop(web)) == FOURTEEN
    assert {one.split()[0] for one in holders.pop("/trovella-typesense-1")} == {SEARCH}
    assert set().union(*holders.values()) == set()


def test_the_image_holds_no_secret(planted: Planted, vm: Machine, sentinels: Sentinels):
    reference = "{repository}@{digest}".format(**release_of()["image"])
    search = (
        'cat >/run/patterns; docker save "$0" | grep -acF -f /run/patterns || true;'
        " rm /run/patterns"
    )

    told = on_host(f"docker history --no-trunc {reference}; docker inspect {reference}")

    assert "server.js" in told
    assert sentinels.within(told.encode()) == set()
    # The engine saves its layers unpacked, so that the same search finds what is there.
    assert int(vm.run("sh", "-c", search, reference, stdin="createServer")) > 0
    patterns = b"\n".join(sentinels.forms).decode()
    assert int(vm.run("sh", "-c", search, reference, stdin=patterns)) == 0
