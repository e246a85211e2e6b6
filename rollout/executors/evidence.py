"""Looks where a failure leads: the host, the way to it, the public address, the registry.

Read-only and bounded. What cannot be looked at is a line of the evidence and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout.commands.evidence import look_at_host_command, parse_host_look
from rollout.config import Application
from rollout.diagnose.collect import Look, wanted_image
from rollout.errors import RegistryError
from rollout.executors.clock import now_s
from rollout.executors.host import Host
from rollout.executors.look_outside import look_at_route, look_outside
from rollout.executors.registry import Registry
from rollout.model.layout import Layout
from rollout.model.target import HostAddress, RegistryLogin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.model.seen import Evidence

_FOUND, _NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class Places:
    """Where there is something to look at; nothing is opened before it is asked for.

    Attributes:
        application: The application as it stands on the host.
        url: The public address.
        address: Returns how the host is reached.
        host: Opens the host.
        login: Returns the registry's login.
        dialled: Where connections for the public address go instead; empty follows its name.
    """

    application: Application
    url: str
    address: Callable[[], HostAddress]
    host: Callable[[], AbstractContextManager[Host]]
    login: Callable[[], RegistryLogin]
    dialled: str = ""


def look_around(evidence: Evidence, where: Iterable[Look], places: Places) -> Evidence:
    """Return evidence with what was seen where it leads; never raises.

    Args:
        evidence: What the error itself tells.
        where: Where to look.
        places: What is there.
    """
    take = {
        Look.HOST: _host,
        Look.ROUTE: _route,
        Look.OUTSIDE: _outside,
        Look.REGISTRY: _registry,
    }
    for look in sorted(where, key=lambda one: one.name):
        try:
            evidence = take[look](evidence, places)
        # As broad as it is on purpose: SSH, sockets, TLS, a registry and three parsers of what a
        # broken machine says stand behind this, and a kind that nobody thought of would take the
        # place of the error that led here. What it was stays in the evidence.
        except Exception as trouble:  # noqa: BLE001 - see above
            line = f"{look.value}: {' '.join(str(trouble).split())[:300]}"
            evidence = replace(evidence, trouble=(*evidence.trouble, line))
    return evidence


def _host(evidence: Evidence, places: Places) -> Evidence:
    layout = Layout(places.application.directory)
    with places.host() as host:
        asked_s = now_s()
        application = places.application
        command = look_at_host_command(layout, application.project, application.proxy)
        answer = host.run(command)
    return replace(evidence, host=parse_host_look(answer.stdout, asked_s + answer.duration_s / 2))


def _route(evidence: Evidence, places: Places) -> Evidence:
    address = places.address()
    if address.proxy_command:
        # Only the tunnel leads there: what a connection past it comes to says nothing of the host.
        return evidence
    return replace(evidence, route=look_at_route(address.host, address.port))


def _outside(evidence: Evidence, places: Places) -> Evidence:
    return replace(evidence, outside=look_outside(places.url, places.dialled))


def _registry(evidence: Evidence, places: Places) -> Evidence:
    """Ask the registry for the image that could not be pulled, with the same login."""
    login = places.login()
    repository, _, digest = wanted_image(evidence).partition("@")
    image = repository.removeprefix(login.repository(""))
    try:
        found = Registry(login).digest(image, digest)
    except RegistryError as error:
        return replace(evidence, http_status=error.http_status)
    return replace(evidence, http_status=_FOUND if found else _NOT_FOUND)
