"""What is read of a bare machine, and what prepares it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from rollout.commands import machine
from rollout.model.host import MachineFacts

if TYPE_CHECKING:
    from rollout.model.command import Command


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            machine.make_directory_command("/opt/trovella", "deploy", "750"),
            "sudo -n install --directory --owner deploy --mode 750 /opt/trovella",
        ),
        (
            machine.join_docker_group_command("deploy"),
            "sudo -n usermod --append --groups docker deploy",
        ),
        (
            machine.write_engine_settings_command({"live-restore": True}),
            "sudo -n sh -euc '# replace the engine'\"'\"'s settings ...' sh",
        ),
        (
            machine.restart_engine_command(),
            "sudo -n sh -euc '# restart the engine and wait for it ...' sh 30",
        ),
        (
            machine.read_machine_command("/opt/trovella", "trovella", "web"),
            "sh -c '# read the machine ...' sh /opt/trovella trovella web",
        ),
    ],
)
def test_a_command_is_shown_as_this_line(command: Command, line: str):
    assert command.display() == line


def test_settings_travel_on_standard_input():
    assert machine.write_engine_settings_command({"live-restore": True}).stdin == (
        '{\n  "live-restore": true\n}\n'
    )


def test_what_was_read_becomes_facts():
    settings = b64encode(b'{"debug": true}').decode()
    stdout = (
        "user deploy\ngroups deploy docker\nsudo yes\ndocker yes\nengine 26.1.5+dfsg1\n"
        f"compose 2.26.1-4\nrunning 5\ncontainers 6\nserving 1\nsettings {settings}\n"
        "directory 750 deploy\nfree 9000\nfree 8000\n"
    )

    assert machine.parse_machine(stdout) == MachineFacts(
        user="deploy",
        groups=("deploy", "docker"),
        sudo=True,
        engine="26.1.5+dfsg1",
        docker=True,
        compose="2.26.1-4",
        running=5,
        containers=6,
        serves=True,
        settings='{"debug": true}',
        owner="deploy",
        mode="750",
        free_bytes=8000,
    )


def test_a_machine_with_nothing_on_it():
    stdout = "user deploy\ngroups deploy\nengine \ncompose \nrunning 0\nfree 9000\n"

    assert machine.parse_machine(stdout) == MachineFacts(
        "deploy", groups=("deploy",), free_bytes=9000
    )
