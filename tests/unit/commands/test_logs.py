"""The logs of before and after an activation, from what a host says of them."""

from __future__ import annotations

import gzip
from base64 import b64encode

from rollout.commands.logs import PART_BYTES, parse_logs, read_logs_command
from rollout.model.logs import Logs, LogWindow

END = "\n" + "x" * (PART_BYTES - 1)


def packed(text: str) -> str:
    return b64encode(gzip.compress(text.encode())).decode()


def test_what_a_host_says_becomes_two_windows_and_a_torn_line_is_left_out():
    stdout = (
        "seconds 12\n"
        f"now web {packed('a line')} .\n"
        f"before web {packed('its begin')} part\n"
        f"now caddy {packed('a part' + END)} .\n"
        f"before caddy {packed('torn')[:9]}\n"
    )

    assert parse_logs(stdout) == Logs(
        12.0,
        (LogWindow("web", "a line"), LogWindow("caddy", END[1:], cut=True)),
        (LogWindow("web", "its begin", cut=True),),
    )


def test_a_host_that_says_no_time_has_no_logs():
    assert parse_logs("") is None


def test_a_service_without_a_container_of_before_has_none():
    command = read_logs_command("2026-11-25T13:00:00Z", [("web", "web-2", ""), ("db", "db", "db")])

    assert command.argv[4:] == (
        *("2026-11-25T13:00:00Z", str(PART_BYTES), "900", "4"),
        *("web", "web-2", "-", "db", "db", "db"),
    )
    assert not command.changes
