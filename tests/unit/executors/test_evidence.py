"""Where it is looked after a failure: not past the tunnel that alone leads to a host."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

from rollout.config import Application
from rollout.diagnose.collect import Look
from rollout.diagnose.match import diagnose
from rollout.executors.evidence import Places, look_around
from rollout.model.around import Around
from rollout.model.command import Secret
from rollout.model.seen import Evidence
from rollout.model.target import HostAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

AROUND = Around("staging", ssh="ssh -o 'ProxyCommand=tunnel %h' deploy@vm", address="vm")
HUNG = Evidence(kinds=("HostUnreachable",), true="no SSH session: no banner", around=AROUND)
APPLICATION = Application(project="app", compose="compose.yml", caddyfile="Caddyfile")


def nowhere() -> NoReturn:
    raise AssertionError("only the way to the host is looked at")


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port that refuses: it is bound, and nobody listens there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize(
    ("proxy_command", "cause", "resolves"),
    [
        ("tunnel %h", "the host's SSH server does not let a session come about", False),
        ("", "the host refuses connections to its SSH port: no sshd listens there", True),
    ],
)
def test_where_a_tunnel_leads_to_the_host_no_way_past_it_is_looked_at(
    proxy_command: str, cause: str, resolves: bool
):
    with closed_port() as port:
        address = HostAddress("127.0.0.1", "deploy", Secret("k"), "", port, proxy_command)
        places = Places(APPLICATION, "https://x/", lambda: address, nowhere, nowhere)
        seen = look_around(HUNG, {Look.ROUTE}, places)
    told = diagnose(seen)

    assert seen.trouble == ()
    assert (seen.route is not None) == resolves
    assert (told.code, told.cause) == ("host-unreachable", cause)
    assert ("whether its name resolves" in told.next_step) == resolves
    assert told.commands == (
        "bin/doctor --environment staging",
        "ssh -o 'ProxyCommand=tunnel %h' deploy@vm 'true'",
    )
