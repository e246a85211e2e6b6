"""What a container really sees of a release's variables, whatever they hold.

Many values travel with one container, because its start is what takes time.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.commands.compose import compose, pull_command
from rollout.commands.host import upload_release_command
from rollout.executors.clock import now_utc
from rollout.executors.host import Host
from rollout.model.command import Command, Secret
from rollout.model.release import Release, Version
from rollout.render.release import release_files
from tests.support.vm import (
    APPLICATION,
    CADDYFILE,
    COMPOSE,
    LAYOUT,
    bare_vm,
    good_image,
    login,
    prepare,
)

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal

VERSION = "a" * 40
COUNT = 60
# As base64, so that nothing on the way back is judged with it.
SHOW = (
    "node",
    "-e",
    "process.stdout.write(Buffer.from(JSON.stringify(process.env)).toString('base64'))",
)
# What has a meaning in a `.env`, in a compose file, in a shell or on a terminal.
PIECES = (
    *("'", '"', "`", "\\", "$", "$$", "${", "}", "$(", ")", "#", " #", "=", ":", ",", ";", "&"),
    *("\n", "\r", "\r\n", "\t", " ", "\v", "\f", "\x01", "\x1b[0m", "\x7f", "\x85", "\u2028"),
    *("\\n", "\\$", "\\'", "\\\\", "$HOME", "${V0}", "${V0:-x}", "%s", "!", "*", "~", "null"),
    *("ä", "é", "漢", "👋", "\u202e", "\ufeff", "export A=1", "A=1\nB=2", "a", "Z", "0", "-"),
)
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NASTY = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
VALUES = st.lists(st.one_of(NASTY, ANY), min_size=COUNT, max_size=COUNT)


@pytest.fixture(scope="module")
def host() -> Generator[Host]:
    with bare_vm("env", "10.77.0.65") as vm, Host(vm.address) as one:
        prepare(one)
        one.check(pull_command(good_image(VERSION).reference, login()), "pull")
        yield one


def seen_by_a_container(host: Host, values: list[str]) -> dict[str, str]:
    """Return the environment of a container that a release with these values starts.

    Each value reaches it twice: as `V..` from the environment file, and as `I..` because the
    compose file names it.
    """
    named = "".join(f"      I{n}: ${{V{n}}}\n" for n in range(len(values)))
    file = "    env_file: /opt/trovella/.env\n"
    assert file in COMPOSE
    release = Release(1, Version(VERSION), good_image(VERSION), now_utc())
    files = release_files(
        release,
        APPLICATION,
        compose=COMPOSE.replace(file, f"{file}    environment:\n{named}"),
        caddyfile=CADDYFILE,
        variables={f"V{n}": Secret(value) for n, value in enumerate(values)},
    )
    host.check(upload_release_command(LAYOUT, 1, files), "upload")
    run = ("run", "--rm", "--no-deps", "--no-TTY", "web-r1", *SHOW)
    told = host.check(Command(compose(LAYOUT, APPLICATION.project, 1, *run)), "show")
    return json.loads(b64decode(told.stdout))


@settings(
    max_examples=12,
    deadline=None,
    # Each example writes the same release anew, so one host does for all.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(VALUES)
def test_a_container_sees_every_value_as_it_was_meant(host: Host, values: list[str]):
    seen = seen_by_a_container(host, values)

    assert [seen.get(f"V{n}") for n in range(COUNT)] == values
    assert [seen.get(f"I{n}") for n in range(COUNT)] == values


def test_nobody_else_can_read_the_file(host: Host):
    seen_by_a_container(host, ["hunter2"])

    mode = host.check(Command(("stat", "-c", "%a %U", LAYOUT.env(1))), "look")
    assert mode.stdout == "600 deploy\n"


def test_the_largest_secret_that_there_is(host: Host):
    """Secret Manager holds 64 KiB at most; one variable takes twice that."""
    largest = "$'\"\\\n#ä" * 8192
    assert len(largest.encode()) == 65536

    seen = seen_by_a_container(host, [largest])

    assert (seen["V0"], seen["I0"]) == (largest, largest)
