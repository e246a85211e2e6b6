"""What a compose file takes from its checkout, which no host has.

A host gets the compose file, the Caddyfile and `.env`. Docker makes an empty folder of any other
file that is mounted by a path beside them, so that the service starts, with defaults.
"""

from __future__ import annotations

from posixpath import normpath
from typing import TYPE_CHECKING, Any, cast

from rollout.model import layout as names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Mapping = dict[str, Any]

_BROUGHT = (names.COMPOSE, names.CADDYFILE, names.ENV)


def problem_of_service(name: str, service: Mapping) -> str:
    """Return what a service takes from the checkout, with what to write instead; empty for nothing.

    Args:
        name: The service.
        service: As the release's compose file has it: what is switched is named by its digest.

    Example:
        >>> problem_of_service("db", {"image": "postgres:18", "volumes": ["./conf:/etc/conf:ro"]})
        "services.db.volumes: the host has no ./conf of the checkout; bring it in the service's \
image, or put it on the host yourself and write its absolute path"
    """
    if service.get("build") and not service.get("image"):
        return (
            f"services.{name}.build: the host has no checkout to build it from; give it an `image`,"
            " which is that of the switched service where it runs the same code"
        )
    taken = (
        ("extends", _extended(service)),
        ("volumes", _bound(service)),
        ("env_file", _read(service)),
    )
    for key, paths in taken:
        for path in paths:
            if _is_checkouts(path):
                return _told(f"services.{name}.{key}", path)
    return ""


def problem_of_rest(document: Mapping, services: Iterable[Mapping]) -> str:
    """Return what a compose file takes from the checkout beside its services; empty for nothing.

    Args:
        document: The compose file.
        services: Those of its services that are started: what no other uses is looked for by none.
    """
    started = tuple(services)
    if document.get("include"):
        return "include: the host has no other compose file of the checkout; write it in this one"
    for key in ("configs", "secrets"):
        entries = cast("dict[str, Mapping | None]", document.get(key) or {})
        used = {one for service in started for one in _used(service.get(key))}
        for name, entry in entries.items():
            if name not in used:
                continue
            path = str((entry or {}).get("file", ""))
            if _is_checkouts(path):
                return _told(f"{key}.{name}.file", path)
    return ""


def _told(place: str, path: str) -> str:
    return (
        f"{place}: the host has no {path} of the checkout; bring it in the service's image, or put"
        " it on the host yourself and write its absolute path"
    )


def _is_checkouts(path: str) -> bool:
    """Return whether compose looks for a path beside the compose file and would not find it."""
    return bool(path) and path[0] not in "/~$" and normpath(path) not in _BROUGHT


def _used(given: Any) -> Iterator[str]:
    """Yield the names of the configurations or secrets that a service uses."""
    for one in cast("list[Any]", given or []):
        yield str(cast("Mapping", one).get("source", "")) if isinstance(one, dict) else str(one)


def _extended(service: Mapping) -> Iterator[str]:
    """Yield the other file that a service begins with."""
    extended = service.get("extends")
    if isinstance(extended, dict):
        yield str(cast("Mapping", extended).get("file", ""))


def _bound(service: Mapping) -> Iterator[str]:
    """Yield what is mounted of the host.

    A short source without a dot before it is a volume's name.
    """
    for volume in cast("list[Any]", service.get("volumes") or []):
        if isinstance(volume, dict):
            said = cast("Mapping", volume)
            if said.get("type") == "bind":
                yield str(said.get("source", ""))
        elif ":" in str(volume) and str(volume)[0] == ".":
            yield str(volume).partition(":")[0]


def _read(service: Mapping) -> Iterator[str]:
    """Yield the files of variables that have to be there."""
    given: Any = service.get("env_file") or []
    for file in cast("list[Any]", given if isinstance(given, list) else [given]):
        if isinstance(file, dict):
            said = cast("Mapping", file)
            if said.get("required", True):
                yield str(said.get("path", ""))
        else:
            yield str(file)
