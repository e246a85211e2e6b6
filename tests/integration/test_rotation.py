"""New secrets for what serves, on a real host: who is made anew, and that nothing is lost.

The tests run in order on one VM: each finds what the one before it left.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rollout.commands.release import parse_release_folder, read_release_command
from rollout.decide.releases import next_release_number, releases_on
from rollout.decide.secrets import release_to_renew, renew
from rollout.executors.clock import now_utc
from rollout.executors.host import Host
from rollout.model.command import Command, Secret
from rollout.model.release import Release
from rollout.render.release import renewed_files
from tests.support.load import load_on
from tests.support.vm import (
    APPLICATION,
    COMPOSE,
    LAYOUT,
    Vm,
    activate,
    bare_vm,
    files_of,
    good_image,
    new_release,
    prepare,
    read,
    said,
)

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal

VERSION = "a" * 40
# One service that reads the whole file, beside one that names a variable and two that use none.
SHARED = COMPOSE.replace("\n  inngest:\n", "\n  inngest:\n    env_file: .env\n")


@pytest.fixture(scope="module")
def vm() -> Generator[Vm]:
    assert SHARED != COMPOSE
    with bare_vm("rotation", "10.77.0.66") as one, Host(one.address) as host:
        prepare(host)
        release = new_release(host, good_image(VERSION), VERSION)
        activate(host, release, files_of(release, compose=SHARED, RESEND_API_KEY="old"))
        yield one


@pytest.fixture
def host(vm: Vm) -> Generator[Host]:
    with Host(vm.address) as one:
        yield one


def rotate(host: Host, **values: str) -> int:
    """Give what serves these values, as sync-secrets does, and return the release's number."""
    facts = read(host)
    former = release_to_renew(facts, APPLICATION.service)
    assert isinstance(former, Release)
    answer = host.check(read_release_command(LAYOUT, former.number), "read")
    draft = renew(former, values, created_at=now_utc(), actor="test", reason="", run_id="")
    release = replace(draft, number=next_release_number(facts))
    variables = {name: Secret(text) for name, text in {**said(), **values}.items()}
    folder = parse_release_folder(answer.stdout)
    activate(
        host,
        release,
        renewed_files(
            release, APPLICATION, former=former.number, folder=folder, variables=variables
        ),
    )
    return release.number


def made_anew(host: Host, since: str) -> list[str]:
    """Return the services whose containers were created since then."""
    what = ("--filter", "type=container", "--filter", "event=create", "--format",
            '{{index .Actor.Attributes "com.docker.compose.service"}}')  # fmt: skip
    command = Command(("docker", "events", "--since", since, "--until", now_utc(), *what))
    return sorted(host.check(command, "read events").stdout.splitlines())


def variable(host: Host, service: str, name: str) -> str:
    words = ("docker", "exec", f"trovella-{service}-1", "node", "-p", f"process.env.{name}")
    return host.check(Command(words), "look").stdout.rstrip("\n")


@pytest.mark.parametrize(
    ("values", "others"),
    [
        pytest.param({"RESEND_API_KEY": "old"}, [], id="nothing but the number"),
        pytest.param({"RESEND_API_KEY": "new"}, ["inngest"], id="a variable that few use"),
        pytest.param(
            {"RESEND_API_KEY": "new", "TYPESENSE_API_KEY": "$new"},
            ["inngest", "typesense"],
            id="a variable that a service names",
        ),
    ],
)
def test_only_what_uses_a_changed_secret_is_made_anew_and_nothing_is_lost(
    vm: Vm, host: Host, values: dict[str, str], others: list[str]
):
    # To the microsecond: the proxy may have been made in this very second.
    since = datetime.now(UTC).isoformat()

    with load_on(f"http://{vm.address.host}") as load:
        number = rotate(host, **values)

    assert made_anew(host, since) == [*others, f"web-r{number}"]
    assert load.lost == []
    assert load.sent > 40
    for name, value in values.items():
        assert variable(host, f"web-r{number}", name) == value
        assert variable(host, "inngest", name) == value
    key = values.get("TYPESENSE_API_KEY", "key")
    assert variable(host, "typesense", "TYPESENSE_API_KEY") == key
    assert variable(host, "typesense", "RESEND_API_KEY") == "undefined"


def test_the_release_before_a_rotation_serves_again_with_its_own_secrets(vm: Vm, host: Host):
    facts = read(host)
    left = facts.current or 0
    number = rotate(host, RESEND_API_KEY="bad")

    with load_on(f"http://{vm.address.host}") as load:
        former = next(one for one in releases_on(read(host)) if one.number == left)
        activate(host, former)

    assert load.lost == []
    assert variable(host, f"web-r{left}", "RESEND_API_KEY") == "new"
    assert variable(host, "inngest", "RESEND_API_KEY") == "new"
    assert number == left + 1
