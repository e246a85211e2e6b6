"""The compose file of one release, derived from the application's own.

The application's file stays as it is, one web service and all. What runs is derived: that service
under the release's own name, so that two releases can stand side by side; and a proxy that reads
from a mounted folder, so that it can be switched. A service that runs the web service's image, such
as a worker, is pinned to the release's too. Every other service is left untouched.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from posixpath import normpath
from typing import TYPE_CHECKING, Any, cast

from rollout.errors import ConfigInvalid
from rollout.model import layout as names
from rollout.model.layout import Layout, release_service
from rollout.render.own_files import problem_of_rest, problem_of_service
from rollout.render.yaml_text import parse_yaml, render_yaml

if TYPE_CHECKING:
    from collections.abc import Collection

    from rollout.config import Application
    from rollout.model.release import Release

Mapping = dict[str, Any]


START_INTERVAL = "300ms"
"""How often a starting container is asked for its health; the engine's default is 5 s.

The first time is one interval after its start, so this is the least that a switch waits.
"""

# A second container of the same service would clash on these, or they would undo the pinned image.
_DROPPED = ("build", "container_name", "pull_policy", "scale", "profiles")
_COMPLETED = "service_completed_successfully"


def render_compose(text: str, application: Application, release: Release) -> str:
    """Return the compose file that a host runs for a release.

    Args:
        text: The application's own compose file.
        application: Names the web service, the proxy and the directory on the host.
        release: Whose image and environment file are pinned.

    Raises:
        ConfigInvalid: When the file is no compose file, lacks one of the two services, asks for
            what cannot stand twice side by side, or takes from the checkout what no host has.
    """
    document = _parse(application.compose, text)
    services = cast("dict[str, Mapping]", document["services"])
    _require(application, services)
    own = release_service(application.service, release.number)
    networks = _networks(services[application.service])
    rendered: dict[str, Mapping] = {}
    for name, service in services.items():
        if name == application.service:
            rendered[own] = _web(service, release)
        elif name == application.proxy:
            rendered[name] = _proxy(service, application, networks)
        else:
            rendered[name] = _other(service, services[application.service], release)
    for service in rendered.values():
        _own_env_file(service, application, release.number)
        _without_dependency(service, application.service)
    head = {"name": application.project, "services": rendered}
    rest = {key: value for key, value in document.items() if key not in head}
    _demand_nothing_of_checkout(application, rendered, rest)
    return _banner(application, release) + render_yaml({**head, **rest})


def renumber_compose(text: str, application: Application, former: int, release: Release) -> str:
    """Return the compose file of a release that differs from another one in its number alone.

    Everything else stays as it was rendered then, so compose finds no service changed but those
    that use a variable with a new value.

    Args:
        text: The other release's compose file, as the host has it.
        application: Names the web service and the directory on the host.
        former: The other release's number.
        release: The release that is made from it, with the same version and image.

    Raises:
        ConfigInvalid: When the file does not define the other release.
    """
    document = _parse("the host's compose file", text)
    services = cast("dict[str, Mapping]", document["services"])
    old, own = (release_service(application.service, one) for one in (former, release.number))
    if old not in services:
        raise ConfigInvalid("the host's compose file", f"services.{old} is missing")
    layout = Layout(application.directory)
    services[old]["labels"][names.RELEASE_LABEL] = str(release.number)
    for service in services.values():
        _replace_env_file(service, layout.env(former), layout.env(release.number))
    renamed = {own if name == old else name: service for name, service in services.items()}
    return _banner(application, release) + render_yaml({**document, "services": renamed})


def _replace_env_file(service: Mapping, old: str, new: str) -> None:
    """Point a rendered service that reads one release's environment file at another one's."""
    files = cast("list[Any]", service.get("env_file", []))
    for index, file in enumerate(files):
        if file == old:
            files[index] = new
        elif isinstance(file, dict) and cast("Mapping", file).get("path") == old:
            files[index] = {**cast("Mapping", file), "path": new}


def fingerprint_around(text: str, application: Application, number: int) -> str:
    """Return the SHA-256 of what a rendered compose file says besides the release's own service.

    Two releases with the same one, and the same environment file, leave compose nothing to do about
    their other services.

    Args:
        text: The rendered file.
        application: Names the web service and the directory on the host.
        number: The release.
    """
    document = _parse("the rendered compose file", text)
    own = release_service(application.service, number)
    around = {name: one for name, one in document["services"].items() if name != own}
    for service in around.values():
        _replace_env_file(service, Layout(application.directory).env(number), names.ENV)
    said = render_yaml({**document, "services": around})
    return hashlib.sha256(said.encode()).hexdigest()


def services_of(text: str) -> tuple[str, ...]:
    """Return the services of a rendered compose file that `up` starts; an empty text has none."""
    return tuple(name for name, service in _services(text).items() if _starts(service))


def images_of(text: str) -> dict[str, str]:
    """Return service to image for the services of a rendered compose file that `up` starts.

    One whose image is built, or filled in from variables, is left out.
    """
    named = {
        name: str(one.get("image", "")) for name, one in _services(text).items() if _starts(one)
    }
    return {name: image for name, image in named.items() if image and "$" not in image}


def users_of(text: str, variables: Collection[str]) -> tuple[str, ...]:
    """Return the services of a rendered compose file that get any of these variables.

    One that reads a release's environment file gets all of them.
    """
    named = re.compile(rf"(?<!\$)\$\{{?(?:{'|'.join(map(re.escape, variables))})(?![A-Za-z0-9_])")
    return tuple(
        name
        for name, service in _services(text).items()
        if variables and (_reads_env(service) or named.search(render_yaml(service)))
    )


def _reads_env(service: Mapping) -> bool:
    files = cast("list[Any]", service.get("env_file", []))
    paths = [
        cast("Mapping", file).get("path", "") if isinstance(file, dict) else file for file in files
    ]
    return any(str(path).rsplit("/", 1)[-1] == names.ENV for path in paths)


def checked_services(text: str) -> tuple[str, ...]:
    """Return the services of a rendered compose file that bring a health check of their own."""
    return tuple(name for name, service in _services(text).items() if "healthcheck" in service)


def jobs_of(text: str) -> tuple[str, ...]:
    """Return the services of a rendered compose file that end: others wait for their success."""
    services = _services(text)
    awaited = {name for service in services.values() for name in _awaited(service)}
    return tuple(name for name in services if name in awaited)


def _awaited(service: Mapping) -> list[str]:
    """Return whose success a service waits for; a list in `depends_on` names no condition."""
    needs: Any = service.get("depends_on")
    conditions = cast("dict[str, Mapping]", needs) if isinstance(needs, dict) else {}
    return [name for name, how in conditions.items() if how.get("condition") == _COMPLETED]


def _starts(service: Mapping) -> bool:
    """Return whether `up` starts a service: one of a profile, or of no replicas, waits for people.

    Source: https://docs.docker.com/compose/how-tos/profiles/ (read 2026-11-23).
    """
    deploy: Mapping = service.get("deploy") or {}
    return not service.get("profiles") and 0 not in (service.get("scale"), deploy.get("replicas"))


@lru_cache(maxsize=16)
def _services(text: str) -> dict[str, Mapping]:
    """Return the services of a rendered compose file; whoever is given them only reads them.

    A plan and a look at its host ask seven times, and every host of a target has the same text.
    Reading it took a tenth of the processor time that a host cost.
    """
    return _parse("the host's compose file", text)["services"] if text else {}


def _parse(path: str, text: str) -> Mapping:
    try:
        document: object = parse_yaml(text)
    except ValueError as error:
        raise ConfigInvalid(path, f"is no YAML: {error}") from None
    services = cast("Mapping", document).get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict):
        raise ConfigInvalid(path, "has no services")
    return cast("Mapping", document)


def _require(application: Application, services: dict[str, Mapping]) -> None:
    """Raise when the two services that a switch needs are not as it needs them."""
    path, name = application.compose, application.service
    for wanted in (name, application.proxy):
        if not isinstance(services.get(wanted), dict):
            raise ConfigInvalid(path, f"services.{wanted} is missing")
    if services[name].get("ports"):
        raise ConfigInvalid(
            path, f"services.{name}.ports: two releases cannot publish the same port side by side"
        )


def _demand_nothing_of_checkout(
    application: Application, services: dict[str, Mapping], rest: Mapping
) -> None:
    """Raise when what runs needs a file of the checkout; what only people start may."""
    started = {name: one for name, one in services.items() if _starts(one)}
    problems = [problem_of_service(name, one) for name, one in started.items()]
    for problem in (*problems, problem_of_rest(rest, started.values())):
        if problem:
            raise ConfigInvalid(application.compose, problem)


def _web(service: Mapping, release: Release) -> Mapping:
    """Return the web service under its release: pinned, labelled, quick to be seen healthy."""
    kept = {key: value for key, value in service.items() if key not in _DROPPED}
    if isinstance(kept.get("deploy"), dict):
        kept["deploy"] = {key: kept["deploy"][key] for key in kept["deploy"] if key != "replicas"}
    kept["image"] = release.image.reference
    kept.setdefault("env_file", names.ENV)
    kept["labels"] = {
        **_labels(kept.get("labels", {})),
        names.RELEASE_LABEL: str(release.number),
        names.VERSION_LABEL: release.version.sha,
    }
    if kept.get("restart") == "always":
        # A former release that was stopped must stay so when the engine restarts.
        kept["restart"] = "unless-stopped"
    check = kept.get("healthcheck")
    if isinstance(check, dict):
        kept["healthcheck"] = {"start_interval": START_INTERVAL, **cast("Mapping", check)}
    return kept


def _other(service: Mapping, web: Mapping, release: Release) -> Mapping:
    """Return a service that is neither switched nor the proxy.

    The same image means the same code, and a release is one state of the code: a floating tag would
    leave a worker on whatever the host pulled last.
    """
    if service.get("image") is None or service["image"] != web.get("image"):
        return service
    kept = {key: value for key, value in service.items() if key not in ("build", "pull_policy")}
    return {**kept, "image": release.image.reference}


def _proxy(service: Mapping, application: Application, networks: Mapping) -> Mapping:
    """Return the proxy with its folder mounted, answering to the web service's name inside.

    Other containers go on calling `web:3000`; the proxy takes such requests to the release that
    serves, so that they too are never lost in a switch.
    """
    folder = f"{Layout(application.directory).proxy}:{names.PROXY_MOUNT}:ro"
    volumes: list[Any] = service.get("volumes") or []
    kept = [volume for volume in volumes if not _holds_caddyfile(volume)]
    if len(kept) == len(volumes):
        raise ConfigInvalid(
            application.compose,
            f"services.{application.proxy}.volumes: mounts no {names.PROXY_MOUNT}/Caddyfile",
        )
    joined = _networks(service)
    for network in networks:
        own: Mapping = joined.get(network) or {}
        aliases = [*own.get("aliases", []), application.service]
        joined[network] = {**own, "aliases": aliases}
    return {**service, "volumes": [folder, *kept], "networks": joined}


def _holds_caddyfile(volume: Any) -> bool:
    if isinstance(volume, dict):
        target = str(cast("Mapping", volume).get("target", ""))
    else:
        target = str(volume).split(":")[1:2][0] if ":" in str(volume) else ""
    return target in (names.PROXY_MOUNT, f"{names.PROXY_MOUNT}/{names.CADDYFILE}")


def _networks(service: Mapping) -> Mapping:
    """Return a service's networks as a mapping; a service that names none is in `default`."""
    networks = service.get("networks") or ["default"]
    if isinstance(networks, dict):
        return dict(cast("Mapping", networks))
    return {str(name): None for name in networks}


def _labels(labels: Any) -> Mapping:
    """Return labels as a mapping, whichever of compose's two forms they have."""
    if isinstance(labels, dict):
        return cast("Mapping", labels)
    pairs = [str(label).partition("=") for label in labels]
    return {name: value for name, _, value in pairs}


def _own_env_file(service: Mapping, application: Application, number: int) -> None:
    """Point a service that reads the application's `.env` at the release's own."""
    if "env_file" in service:
        given = service["env_file"]
        files = cast("list[Any]", given if isinstance(given, list) else [given])
        service["env_file"] = [_env_file(file, application, number) for file in files]


def _env_file(file: Any, application: Application, number: int) -> Any:
    if isinstance(file, dict):
        entry = cast("Mapping", file)
        return {**entry, "path": _env_file(entry.get("path", ""), application, number)}
    shared = f"{application.directory}/{names.ENV}"
    absolute = normpath(f"{application.directory}/{file}") if file[:1] != "/" else normpath(file)
    return Layout(application.directory).env(number) if absolute == shared else file


def _without_dependency(service: Mapping, name: str) -> None:
    """Forget that a service waits for the web service: the plan's order sees to that."""
    needs = service.get("depends_on")
    if isinstance(needs, dict):
        needs = {key: value for key, value in cast("Mapping", needs).items() if key != name}
    elif isinstance(needs, list):
        needs = [key for key in cast("list[str]", needs) if key != name]
    if needs:
        service["depends_on"] = needs
    else:
        service.pop("depends_on", None)


def _banner(application: Application, release: Release) -> str:
    return (
        f"# Release {release.number}, {release.version}: rendered from {application.compose}.\n"
        "# The next deploy writes it anew; change the file in the repository instead.\n"
    )
